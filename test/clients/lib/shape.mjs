// Shapes of JSON, as data. A shape is the name of a pattern below, several joined by '|', a list of one shape (an array of
// such), or an object of shapes: its fields, with '?' after the name of one that may be missing.
const patterns = {
  quantity: (v) => /^0x(0|[1-9a-f][0-9a-f]*)$/.test(v),
  data: (v) => /^0x([0-9a-f]{2})*$/.test(v),
  address: (v) => /^0x[0-9a-f]{40}$/.test(v),
  hash: (v) => /^0x[0-9a-f]{64}$/.test(v),
  nonce8: (v) => /^0x[0-9a-f]{16}$/.test(v),
  bloom: (v) => /^0x[0-9a-f]{512}$/.test(v),
  signature: (v) => /^0x[0-9a-f]{130}$/.test(v),
  decimal: (v) => typeof v === 'string' && /^\d+$/.test(v),
  amount: (v) => typeof v === 'string' && /^-?\d+$/.test(v),
  base64: (v) => typeof v === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(v),
  fil: (v) => /^[ft][0-4][0-9a-z]+$/.test(v),
  cid: (v) => typeof v?.['/'] === 'string' && /^(b[a-z2-7]{20,}|Qm\w{44})$/.test(v['/']) && Object.keys(v).length === 1,
  string: (v) => typeof v === 'string',
  text: (v) => typeof v === 'string' && v !== '',
  number: (v) => typeof v === 'number',
  integer: (v) => Number.isInteger(v),
  bool: (v) => typeof v === 'boolean',
  true: (v) => v === true,
  false: (v) => v === false,
  null: (v) => v === null,
  any: () => true,
  object: (v) => v !== null && typeof v === 'object' && !Array.isArray(v),
}

/** What of `value` is not of the shape: a list of sentences. */
export function misfits(value, shape, at = 'result') {
  if (typeof shape === 'function') return shape(value) ? [] : [`${at} is ${brief(value)}`]
  if (typeof shape === 'string') {
    for (const name of shape.split('|')) {
      if (!(name in patterns)) throw new Error(`no shape ${name}`)
      if ((typeof value === 'string' || !stringy.has(name)) && patterns[name](value)) return []
    }
    return [`${at} should be ${shape}, is ${brief(value)}`]
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${at} should be a list, is ${brief(value)}`]
    return value.flatMap((v, i) => misfits(v, shape[0], `${at}[${i}]`)).slice(0, 5)
  }
  if (!patterns.object(value)) return [`${at} should be an object, is ${brief(value)}`]
  const wrong = []
  for (const [key, inner] of Object.entries(shape)) {
    const name = key.replace('?', '')
    if (name in value) wrong.push(...misfits(value[name], inner, `${at}.${name}`))
    else if (!key.endsWith('?')) wrong.push(`${at}.${name} is missing`)
  }
  return wrong
}
const stringy = new Set(['quantity', 'data', 'address', 'hash', 'nonce8', 'bloom', 'signature', 'fil'])

/** One of several shapes. */
export const either = (...shapes) => (value) => shapes.some((s) => misfits(value, s).length === 0)

export function brief(value) {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > 90 ? text.slice(0, 87) + '...' : text
}

/** Names of fields in two values that differ: "+a -b", what the first has more and less than the second. */
export function fieldDifference(ours, theirs, at = '') {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    return ours.length && theirs.length ? fieldDifference(ours[0], theirs[0], `${at}[]`) : []
  }
  if (!patterns.object(ours) || !patterns.object(theirs)) {
    const kindOf = (v) => (v === null ? 'null' : Array.isArray(v) ? 'list' : patterns.quantity(v) && typeof v === 'string' ? 'hex' : typeof v)
    return kindOf(ours) === kindOf(theirs) ? [] : [`${at || 'result'}: ${kindOf(ours)}, there ${kindOf(theirs)}`]
  }
  return [
    ...Object.keys(ours).filter((k) => !(k in theirs)).map((k) => `+${at}${at && '.'}${k}`),
    ...Object.keys(theirs).filter((k) => !(k in ours)).map((k) => `-${at}${at && '.'}${k}`),
    ...Object.keys(ours).filter((k) => k in theirs).flatMap((k) => fieldDifference(ours[k], theirs[k], at ? `${at}.${k}` : k)),
  ]
}
