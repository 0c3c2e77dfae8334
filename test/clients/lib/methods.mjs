// Every method that the node serves (reference rpc.md, sections 10 to 12), as data: sample parameters, the shape of
// the result, what else is asked of it. The calls are made in this order, on a chain that ../conformance.mjs prepares.
import { either } from './shape.mjs'

const filterId = either('hash', 'quantity') // ours are words, anvil's are numbers
const transaction = {
  hash: 'hash', type: 'quantity', nonce: 'quantity', from: 'address', to: 'address|null', value: 'quantity',
  gas: 'quantity', input: 'data', blockHash: 'hash|null', blockNumber: 'quantity|null', transactionIndex: 'quantity|null',
  r: 'quantity', s: 'quantity', v: 'quantity', chainId: 'quantity', 'maxFeePerGas?': 'quantity',
  'maxPriorityFeePerGas?': 'quantity', 'gasPrice?': 'quantity', 'accessList?': ['any'],
}
const log = {
  address: 'address', topics: ['hash'], data: 'data', blockHash: 'hash', blockNumber: 'quantity', transactionHash: 'hash',
  transactionIndex: 'quantity', logIndex: 'quantity', removed: 'false',
}
const receipt = {
  transactionHash: 'hash', transactionIndex: 'quantity', blockHash: 'hash', blockNumber: 'quantity', from: 'address',
  to: 'address|null', cumulativeGasUsed: 'quantity', gasUsed: 'quantity', effectiveGasPrice: 'quantity',
  contractAddress: 'address|null', logs: [log], logsBloom: 'bloom', status: 'quantity', type: 'quantity',
}
const header = {
  number: 'quantity', hash: 'hash', parentHash: 'hash', nonce: 'nonce8', sha3Uncles: 'hash', logsBloom: 'bloom',
  transactionsRoot: 'hash', stateRoot: 'hash', receiptsRoot: 'hash', miner: 'address', difficulty: 'quantity',
  extraData: 'data', gasLimit: 'quantity', gasUsed: 'quantity', timestamp: 'quantity', baseFeePerGas: 'quantity',
  mixHash: 'hash',
}
const block = { ...header, size: 'quantity', 'totalDifficulty?': 'quantity', uncles: ['hash'], transactions: ['hash'] }
const fullBlock = { ...block, transactions: [transaction] }
const trace = {
  action: 'object', 'result?': 'object|null', subtraces: 'integer', traceAddress: ['integer'], type: 'text',
  blockHash: 'hash', blockNumber: 'integer', transactionHash: 'hash', transactionPosition: 'integer',
}
const cid = 'cid'
const message = {
  Version: 'integer', To: 'fil', From: 'fil', Nonce: 'integer', Value: 'amount', GasLimit: 'integer', GasFeeCap: 'amount',
  GasPremium: 'amount', Method: 'integer', Params: 'base64|null', CID: cid,
}
const signature = { Type: 'integer', Data: 'base64' }
const signedMessage = { Message: message, Signature: signature, CID: cid }
const filReceipt = { ExitCode: 'integer', Return: 'base64|null', GasUsed: 'integer', EventsRoot: 'cid|null' }
const blockHeader = {
  Miner: 'fil', Ticket: 'object|null', ElectionProof: 'object|null', BeaconEntries: 'any', WinPoStProof: 'any', Parents: [cid],
  ParentWeight: 'amount', Height: 'integer', ParentStateRoot: cid, ParentMessageReceipts: cid, Messages: cid,
  BLSAggregate: 'any', Timestamp: 'integer', BlockSig: 'any', ForkSignaling: 'integer', ParentBaseFee: 'amount',
}
const tipset = { Cids: [cid], Blocks: [blockHeader], Height: 'integer' }
const lookup = { Message: cid, Receipt: filReceipt, ReturnDec: 'any', TipSet: [cid], Height: 'integer' }
const actor = { Code: cid, Head: cid, Nonce: 'integer', Balance: 'amount', 'DelegatedAddress?': 'fil|null' }
const call = {
  Msg: { From: 'fil', To: 'fil', Value: 'amount', Method: 'integer', Params: 'base64|null', ParamsCodec: 'integer',
    GasLimit: 'integer', ReadOnly: 'bool' },
  MsgRct: { ExitCode: 'integer', Return: 'base64|null', ReturnCodec: 'integer' },
  'InvokedActor?': 'object|null', GasCharges: 'any', Subcalls: 'any',
}
const invocation = {
  MsgCid: cid, Msg: message, MsgRct: filReceipt, GasCost: 'object', ExecutionTrace: call, Error: 'string', Duration: 'number',
}
const event = {
  entries: [{ Flags: 'integer', Key: 'text', Codec: 'integer', Value: 'base64' }], emitter: 'fil', reverted: 'bool',
  height: 'integer', tipsetKey: [cid], msgCid: cid,
}

const rows = []
/** method, parameters (list, or function of the prepared chain), shape, and more: `fails` (the code it answers with), `keep`
 *  (its result is kept for later rows), `bad` (parameters that are refused; false: none to try), `alias` (other names),
 *  `anvil` (false: not asked there), `check` (more about the result), `later` (why it need not be served yet). */
function m(name, params, shape, more = {}) {
  rows.push({ name, params: typeof params === 'function' ? params : () => params, shape, ...more })
}

export function methods(development = true) {
  rows.length = 0
  tierA()
  filecoin()
  tierB()
  if (development) tierC()
  return [...rows]
}

function tierA() {
  m('eth_chainId', [], 'quantity')
  m('eth_accounts', [], ['address'])
  m('eth_blockNumber', [], 'quantity')
  m('eth_protocolVersion', [], 'quantity')
  m('eth_syncing', [], 'false')
  m('eth_gasPrice', [], 'quantity')
  m('eth_maxPriorityFeePerGas', [], 'quantity')
  m('eth_baseFee', [], 'quantity', { anvil: false })
  m('eth_feeHistory', ['0x2', 'latest', [10, 90]], {
    oldestBlock: 'quantity', baseFeePerGas: ['quantity'], gasUsedRatio: ['number'], reward: [['quantity']],
  })
  m('eth_call', (c) => [{ to: c.probe, data: c.data.number }, 'latest'], 'hash')
  m('eth_call', (c) => [{ to: c.probe, data: c.data.failPlain }, 'latest'], null, { fails: 3, data: 'data' })
  m('eth_call', (c) => [{ to: c.probe, input: c.data.number, data: '0x' }, { blockHash: c.blockHash }], 'hash')
  m('eth_call', (c) => [{ to: c.probe, data: c.data.number }, { blockNumber: c.blockNumber }], 'hash')
  m('eth_call', (c) => [{ to: c.probe, data: c.data.number, type: '0x1', accessList: [{ address: c.bob, storageKeys: [] }], nonce: null, gas: null }, null, null, null], 'hash')
  m('eth_call', (c) => [{ to: c.probe, data: c.data.number }, 'latest', { [c.bob]: { balanse: '0x1' } }], null, { fails: -32602 })
  m('eth_call', (c) => [{ to: c.probe, data: c.data.number }, 'latest', {}, { tyme: '0x1' }], null, { fails: -32602, anvil: false })
  m('eth_call', (c) => [{ to: c.probe, data: c.data.number }, 'latest', {},
    { gasLimit: '0x100000', coinbase: c.bob, feeRecipient: c.bob, difficulty: '0x0', blobBaseFee: '0x1' }], 'hash', { anvil: false })
  m('eth_estimateGas', (c) => [{ from: c.alice, to: c.probe, data: c.data.count }], 'quantity')
  m('eth_estimateGas', (c) => [{ to: c.probe, data: c.data.failPlain }], null, { fails: 3, data: 'data' })
  for (const name of ['eth_call', 'eth_estimateGas']) m(name, (c) => [{ from: c.nobody, to: c.bob, value: '0x5' }], null, { fails: 1, anvil: false })
  m('eth_getBalance', (c) => [c.alice, 'latest'], 'quantity')
  m('eth_getBalance', (c) => [c.alice, 'pending'], 'quantity')
  m('eth_getBalance', (c) => [c.alice, 'safe'], 'quantity')
  m('eth_getBalance', (c) => [c.alice, 'finalized'], 'quantity')
  m('eth_getBalance', (c) => [c.alice], 'quantity')
  m('eth_getBlockByHash', (c) => [c.blockHash, false], block)
  m('eth_getBlockByHash', (c) => [c.blockHash, true], fullBlock)
  m('eth_getBlockByNumber', ['latest', false], block)
  m('eth_getBlockByNumber', (c) => [c.blockNumber, true], fullBlock)
  m('eth_getBlockByNumber', ['0x0', false], block)
  m('eth_getBlockReceipts', (c) => [c.blockNumber], [receipt])
  m('eth_getBlockTransactionCountByHash', (c) => [c.blockHash], 'quantity')
  m('eth_getBlockTransactionCountByNumber', (c) => [c.blockNumber], 'quantity')
  m('eth_getCode', (c) => [c.probe, 'latest'], 'data')
  m('eth_getLogs', (c) => [{ fromBlock: '0x0', toBlock: 'latest', address: c.probe }], [log], { check: (logs) => logs.length > 0 })
  m('eth_getLogs', (c) => [{ blockHash: c.blockHash, topics: [[c.topic, c.hash0], null] }], [log], { check: (logs) => logs.length > 0 })
  m('eth_getLogs', (c) => [{ blockHash: c.blockHash, fromBlock: '0x0' }], null, { fails: -32602, anvil: false })
  m('eth_getLogs', (c) => [{ topics: [null, null, null, null, null] }], null, { fails: -32602, anvil: false })
  m('eth_getStorageAt', (c) => [c.probe, '0x0', 'latest'], 'hash')
  m('eth_getStorageAt', (c) => [c.probe, '0x4d', 'latest'], 'hash')
  m('eth_getTransactionByBlockHashAndIndex', (c) => [c.blockHash, '0x0'], transaction)
  m('eth_getTransactionByBlockNumberAndIndex', (c) => [c.blockNumber, '0x0'], transaction)
  m('eth_getTransactionByHash', (c) => [c.hash], transaction)
  m('eth_getTransactionByHash', (c) => [c.hash0], 'null')
  m('eth_getTransactionCount', (c) => [c.alice, 'pending'], 'quantity')
  m('eth_getTransactionCount', (c) => [c.probe, 'latest'], 'quantity', { check: (v) => v === '0x1' })
  m('eth_getTransactionCount', (c) => [c.probe, 'pending'], 'quantity', { check: (v) => v === '0x1' })
  m('eth_getTransactionReceipt', (c) => [c.hash], receipt)
  m('eth_getTransactionReceipt', (c) => [c.hash0], 'null')
  m('eth_newFilter', (c) => [{ address: c.probe, fromBlock: '0x0' }], filterId, { keep: 'filter' })
  m('eth_getFilterLogs', (c) => [c.filter], [log])
  m('eth_getFilterChanges', (c) => [c.filter], [log], { check: (logs) => logs.length > 0 }) // what it names of the past comes first
  m('eth_getFilterChanges', (c) => [c.filter], [log], { check: (logs) => logs.length === 0 })
  m('eth_uninstallFilter', (c) => [c.filter], 'true')
  m('eth_newBlockFilter', [], filterId, { keep: 'blockFilter' })
  m('eth_newPendingTransactionFilter', [], filterId, { keep: 'pendingFilter' })
  m('eth_getFilterChanges', (c) => [c.blockFilter], ['hash'])
  m('eth_getFilterChanges', (c) => [c.pendingFilter], ['hash'])
  m('eth_getFilterChanges', (c) => [c.hash0], null, { fails: true, anvil: false })
  m('eth_sendRawTransaction', (c) => [c.raw], 'hash')
  m('eth_subscribe', ['newHeads'], filterId, { socket: true, keep: 'subscription' })
  m('eth_subscribe', (c) => ['logs', { address: c.probe }], filterId, { socket: true })
  m('eth_subscribe', ['newPendingTransactions'], filterId, { socket: true })
  m('eth_unsubscribe', (c) => [c.subscription], 'true', { socket: true })
  m('net_version', [], 'decimal')
  m('net_listening', [], 'true')
  m('web3_clientVersion', [], 'text')
  m('web3_sha3', ['0x68656c6c6f'], 'hash', { check: (h) => h === '0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8' })
  m('trace_block', (c) => [c.blockNumber], [trace])
  m('trace_transaction', (c) => [c.hash], [trace])
  m('trace_replayBlockTransactions', (c) => [c.blockNumber, ['trace']], [{ output: 'data', trace: ['object'], transactionHash: 'hash' }])
  m('trace_filter', (c) => [{ fromBlock: c.blockNumber, toBlock: c.blockNumber }], [trace])
}

function filecoin() {
  const f = (name, params, shape, more) => m(`Filecoin.${name}`, params, shape, { anvil: false, ...more })
  f('EthAddressToFilecoinAddress', (c) => [c.alice], 'fil')
  f('FilecoinAddressToEthAddress', (c) => [c.f4, 'latest'], 'address')
  f('FilecoinAddressToEthAddress', (c) => [c.id, 'latest'], 'address')
  f('EthGetMessageCidByTransactionHash', (c) => [c.hash], cid, { keep: 'messageCid' })
  f('EthGetTransactionHashByCid', (c) => [c.messageCid], 'hash', { check: (h, c) => h === c.hash })
  f('ChainHead', [], tipset, { keep: 'head' })
  f('ChainGetTipSet', (c) => [c.head.Cids], tipset)
  f('ChainGetTipSet', [[]], tipset)
  f('ChainGetTipSetByHeight', (c) => [Number(c.blockNumber), null], tipset, { keep: 'tipset' })
  f('ChainGetTipSetAfterHeight', (c) => [Number(c.blockNumber), null], tipset)
  f('ChainGetBlock', (c) => [c.tipset.Cids[0]], blockHeader)
  f('ChainGetBlockMessages', (c) => [c.tipset.Cids[0]], { BlsMessages: [message], SecpkMessages: [signedMessage], Cids: [cid] })
  f('ChainGetMessage', (c) => [c.messageCid], message)
  f('ChainGetMessagesInTipset', (c) => [c.tipset.Cids], [{ Cid: cid, Message: message }])
  f('ChainGetParentMessages', (c) => [c.head.Cids[0]], either('null', [{ Cid: cid, Message: message }]))
  f('ChainGetParentReceipts', (c) => [c.head.Cids[0]], either('null', [filReceipt]))
  f('ChainGetEvents', (c) => [c.eventsRoot], [{ Emitter: 'integer', Entries: [{ Flags: 'integer', Key: 'text', Codec: 'integer', Value: 'base64' }] }])
  f('ChainReadObj', (c) => [c.tipset.Blocks[0].ParentStateRoot], 'base64')
  f('ChainHasObj', (c) => [c.tipset.Blocks[0].ParentStateRoot], 'true')
  f('ChainGetGenesis', [], tipset)
  f('ChainNotify', [], 'any', { socket: true })
  const msg = (c, more = {}) => ({ Version: 0, From: c.f4, To: c.f4b, Nonce: 0, Value: '1', GasLimit: 0, GasFeeCap: '0', GasPremium: '0',
    Method: 0, Params: null, ...more })
  f('GasEstimateMessageGas', (c) => [msg(c), { MaxFee: '0' }, null], message, { keep: 'estimated', check: (g) => g.GasLimit > 0 && g.GasFeeCap > 0 })
  f('GasEstimateGasPremium', (c) => [10, c.f4, 0, null], 'amount')
  f('GasEstimateFeeCap', (c) => [msg(c), 20, null], 'amount')
  f('GasEstimateGasLimit', (c) => [msg(c), null], 'integer')
  f('MpoolGetNonce', (c) => [c.f4], 'integer')
  f('MpoolPending', [null], [signedMessage])
  f('StateAccountKey', (c) => [c.f1id, null], 'fil')
  f('StateCall', (c) => [msg(c), null], invocation)
  f('StateGetActor', (c) => [c.f4, null], actor)
  f('StateGetActor', (c) => ['t0123456789', null], null, { fails: true })
  f('StateLookupID', (c) => [c.f4, null], 'fil')
  f('StateLookupRobustAddress', (c) => [c.id, null], 'fil')
  f('StateNetworkName', [], 'text')
  f('StateNetworkVersion', [null], 'integer')
  f('StateReadState', (c) => [c.f4, null], { Balance: 'amount', Code: cid, State: 'any' })
  f('StateReplay', (c) => [null, c.messageCid], invocation)
  f('StateSearchMsg', (c) => [null, c.messageCid, -1, true], lookup)
  f('StateWaitMsg', (c) => [c.messageCid, 0, -1, true], lookup)
  f('StateEncodeParams', (c) => [c.codes.multisig ?? c.codes.init, 4, { Target: 't0100' }], 'any', { lenient: true })
  f('StateDecodeParams', (c) => ['t01', 3, '', null], 'any', { lenient: true })
  f('StateActorCodeCIDs', (c) => [c.networkVersion], (v) => v !== null && typeof v === 'object' && Object.values(v).every((x) => x['/']))
  f('StateGetNetworkParams', [], { NetworkName: 'text', BlockDelaySecs: 'integer', ForkUpgradeParams: 'object', Eip155ChainID: 'integer' })
  f('StateListActors', [null], ['fil'])
  f('WalletBalance', (c) => [c.f4], 'amount')
  f('GetActorEventsRaw', (c) => [{ fromHeight: c.blockNumber, toHeight: c.blockNumber }], [event])
  f('Version', [], { Version: 'text', APIVersion: 'integer', BlockDelay: 'integer', 'Agent?': 'string' })
  f('ID', [], 'text')
  f('NetPeers', [], either('null', ['any']))
  f('ChainGetNode', (c) => [`/ipfs/${c.tipset.Blocks[0].ParentStateRoot['/']}`], { Cid: cid, Obj: 'any' })
  f('StateListMessages', (c) => [{ To: null, From: c.f4 }, null, 0], either('null', [cid]))
  f('StateCompute', (c) => [Number(c.blockNumber), null, null], { Root: cid, Trace: 'any' })
  f('WalletNew', ['secp256k1'], 'fil', { keep: 'wallet' })
  f('WalletList', [], ['fil'])
  f('WalletHas', (c) => [c.wallet], 'true')
  f('WalletSign', (c) => [c.wallet, 'aGVsbG8='], signature, { keep: 'signature' })
  f('WalletVerify', (c) => [c.wallet, 'aGVsbG8=', c.signature], 'true')
  f('WalletSignMessage', (c) => [c.wallet, msg(c, { From: c.wallet })], signedMessage)
  f('WalletExport', (c) => [c.wallet], { Type: 'text', PrivateKey: 'base64' }, { keep: 'key' })
  f('WalletSetDefault', (c) => [c.wallet], 'null')
  f('WalletDefaultAddress', [], 'fil')
  f('WalletDelete', (c) => [c.wallet], 'null')
  f('WalletImport', (c) => [c.key], 'fil')
  f('MpoolPushMessage', (c) => [msg(c), { MaxFee: '0' }], signedMessage)
  f('MpoolPush', (c) => [{ Message: msg(c), Signature: { Type: 1, Data: '' } }], null, { fails: true })
}

function tierB() {
  const override = (c) => ({ [c.bob]: { balance: '0x5' } })
  m('eth_call', (c) => [{ to: c.probe, data: c.data.balanceOfBob }, 'latest', override(c)], 'hash', { check: (v) => BigInt(v) === 5n })
  m('eth_call', (c) => [{ to: c.probe, data: c.data.time }, 'latest', {}, { time: '0xee6b2800' }], 'hash', { check: (v) => BigInt(v) === 4000000000n })
  m('eth_estimateGas', (c) => [{ from: c.alice, to: c.probe, data: c.data.count }, 'latest', override(c)], 'quantity')
  m('eth_simulateV1', (c) => [{ blockStateCalls: [{ calls: [{ from: c.alice, to: c.probe, data: c.data.number }] }] }, 'latest'],
    [{ ...block, calls: [{ status: 'quantity', returnData: 'data', gasUsed: 'quantity', logs: [log] }] }])
  m('eth_simulateV1', (c) => [{ traceTransfers: true, returnFullTransactions: true, blockStateCalls: [
    { calls: [{ from: c.alice, to: c.bob, value: '0x5' }, { from: c.alice, to: c.probe, data: c.data.count }] },
    { calls: [] }] }, 'latest'],
  [{ ...fullBlock, calls: [{ status: 'quantity', returnData: 'data', gasUsed: 'quantity', logs: [log] }] }],
  { check: ([a, b], c) => a.calls[0].logs.length === 1 && a.calls[0].logs[0].address === '0x' + 'ee'.repeat(20) &&
      BigInt(a.calls[0].logs[0].data) === 5n && a.calls[1].logs[0].topics[0] === c.topic && a.calls[1].logs[0].logIndex === '0x1' &&
      a.calls.every((x, i) => x.logs.every((l) => l.blockHash === a.hash && l.transactionHash === a.transactions[i].hash)) &&
      b.parentHash === a.hash && BigInt(a.gasUsed) === a.calls.reduce((sum, x) => sum + BigInt(x.gasUsed), 0n) })
  m('eth_simulateV1', (c) => [{ validation: true, blockStateCalls: [{ calls: [{ from: c.nobody, to: c.bob, value: '0x5', maxFeePerGas: '0xffffffffff' }] }] }, 'latest'],
    null, { fails: -38014 })
  m('eth_simulateV1', (c) => [{ validation: true, blockStateCalls: [{ calls: [{ from: c.alice, to: c.bob, nonce: '0x0', maxFeePerGas: '0xffffffffff' }] }] }, 'latest'],
    null, { fails: -38010 })
  m('eth_simulateV1', (c) => [{ blockStateCalls: [
    { blockOverrides: { time: '0xee6b2800' }, calls: [{ to: c.probe, data: c.data.time }] },
    { calls: [{ to: c.probe, data: c.data.time }] },
    { blockOverrides: { time: '0xee6b2900' }, calls: [{ to: c.probe, data: c.data.time }] }] }, 'latest'],
  ['object'], { check: (v) => v.map((b) => Number(b.calls[0].returnData) - 4000000000).join() === '0,1,256', anvil: false })
  m('eth_simulateV1', (c) => [{ blockStateCalls: [{ blockOverrides: { time: '0x1' }, calls: [] }] }, 'latest'], null, { fails: -38021, bad: false })
  m('eth_createAccessList', (c) => [{ from: c.alice, to: c.probe, data: c.data.number }, 'latest'], { accessList: ['any'], gasUsed: 'quantity' })
  m('txpool_content', [], { pending: 'object', queued: 'object' })
  m('txpool_status', [], { pending: 'quantity', queued: 'quantity' })
  m('txpool_inspect', [], { pending: 'object', queued: 'object' })
  m('eth_getTransactionBySenderAndNonce', (c) => [c.alice, '0x0'], transaction)
  m('eth_sendRawTransactionSync', (c) => [c.raw2], receipt)
  m('eth_fillTransaction', (c) => [{ from: c.alice, to: c.bob, value: '0x1' }], { raw: 'data', tx: 'object' })
  m('eth_getHeaderByNumber', (c) => [c.blockNumber], header)
  m('eth_getHeaderByHash', (c) => [c.blockHash], header)
  m('eth_getRawTransactionByHash', (c) => [c.hash], 'data')
  m('eth_getUncleCountByBlockNumber', (c) => [c.blockNumber], 'quantity')
  m('eth_getUncleCountByBlockHash', (c) => [c.blockHash], 'quantity')
  m('eth_getUncleByBlockNumberAndIndex', (c) => [c.blockNumber, '0x0'], 'null')
  m('eth_getUncleByBlockHashAndIndex', (c) => [c.blockHash, '0x0'], 'null')
  m('eth_blobBaseFee', [], 'quantity')
  m('eth_getProof', (c) => [c.alice, [], 'latest'], null, { fails: -32004, anvil: false })
  m('rpc.discover', [], { openrpc: 'text', info: 'object', methods: ['object'] }, { anvil: false })
}

function tierC() {
  const dev = (name, params, shape, more = {}) => m(`anvil_${name}`, params, shape, { alias: [`hardhat_${name}`], ...more })
  const ok = 'null|true'
  m('eth_requestAccounts', [], ['address'], { anvil: false })
  m('eth_sendTransaction', (c) => [{ from: c.alice, to: c.bob, value: '0x1' }], 'hash')
  for (const more of [{ type: '0x1', gasPrice: '0x77359400' }, { type: '0x3' }, { type: '0x4' }, { gasPrice: '0x77359400', maxFeePerGas: '0x77359400' },
    { blobVersionedHashes: [`0x01${'00'.repeat(31)}`] }, { authorizationList: [{}] }])
    m('eth_sendTransaction', (c) => [{ from: c.alice, to: c.bob, ...more }], null, { fails: -32602, anvil: false })
  m('eth_sendTransaction', (c) => [{ from: c.alice, to: c.bob, accessList: [{ address: c.bob, storageKeys: [] }] }], null, { fails: -32602, anvil: false })
  m('eth_sendTransaction', (c) => [{ from: c.alice, to: c.bob, type: '0x2', accessList: [], nonce: null }], 'hash')
  m('eth_sign', (c) => [c.alice, '0x68656c6c6f'], 'signature')
  m('personal_sign', (c) => ['0x68656c6c6f', c.alice], 'signature')
  m('eth_signTypedData_v4', (c) => [c.alice, c.typedData], 'signature')
  m('eth_signTransaction', (c) => [{ from: c.alice, to: c.bob, value: '0x1', gas: '0x1312d00', nonce: '0x0', maxFeePerGas: '0x2540be400', maxPriorityFeePerGas: '0x186a0' }],
    'data')
  dev('impersonateAccount', (c) => [c.bob], ok)
  m('eth_sendUnsignedTransaction', (c) => [{ from: c.bob, to: c.alice, value: '0x1' }], 'hash')
  dev('stopImpersonatingAccount', (c) => [c.bob], ok)
  m('anvil_autoImpersonateAccount', [false], ok)
  dev('setBalance', (c) => [c.nobody, '0xde0b6b3a7640000'], ok)
  m('anvil_addBalance', (c) => [c.nobody, '0x1'], ok)
  dev('setCode', (c) => [c.nobody, '0x602a60005260206000f3'], ok)
  dev('setStorageAt', (c) => [c.nobody, '0x0', '0x' + '11'.repeat(32)], 'true|null')
  dev('setNonce', (c) => [c.nobody, '0x9'], ok)
  m('anvil_dealERC20', (c) => [c.nobody, c.token, '0x64'], ok)
  m('eth_call', (c) => [{ to: c.token, data: '0x70a08231' + c.nobody.slice(2).toLowerCase().padStart(64, '0') }, 'latest'], 'hash',
    { check: (v) => BigInt(v) === 100n, anvil: false })
  m('anvil_setChainId', (c) => [c.chainId], ok)
  dev('setCoinbase', (c) => [c.bob], ok)
  m('evm_increaseTime', ['0x3c'], 'integer|decimal|quantity')
  m('evm_setNextBlockTimestamp', (c) => [c.later], 'any')
  m('evm_setTime', (c) => [c.later + 100], 'any')
  m('anvil_setBlockTimestampInterval', [30], ok)
  m('anvil_removeBlockTimestampInterval', [], 'bool')
  m('evm_mine', [], 'decimal|quantity|null')
  m('evm_mine', [{ blocks: 2 }], 'decimal|quantity|null', { anvil: false })
  dev('mine', ['0x2', '0x1e'], ok)
  m('evm_mine_detailed', [], [block], { alias: ['anvil_mine_detailed'] })
  m('evm_setAutomine', [true], ok, { alias: ['anvil_setAutomine'] })
  m('anvil_getAutomine', [], 'bool', { alias: ['hardhat_getAutomine'] })
  m('evm_setIntervalMining', [0], ok, { alias: ['anvil_setIntervalMining'] })
  m('anvil_getIntervalMining', [], 'number|null')
  for (const [method, interval] of [['evm_setIntervalMining', 3600 * 1000], ['evm_setIntervalMining', 60], ['anvil_setIntervalMining', 3600]]) {
    m(method, [interval], ok, { anvil: false })
    m('anvil_getIntervalMining', [], 'number', { anvil: false, check: (v) => v === (interval === 60 ? 60 : 3600) })
  }
  m('evm_setAutomine', [true], ok)
  m('evm_snapshot', [], 'quantity', { keep: 'snapshot', alias: ['anvil_snapshot'] })
  m('evm_revert', (c) => [c.snapshot], 'true', { keepAlias: false })
  m('evm_revert', (c) => [c.snapshot], 'false')
  m('anvil_rollback', [1], ok)
  m('anvil_reorg', [1, []], ok)
  dev('setMinGasPrice', ['0x1'], ok, { anvil: false, alias: ['hardhat_setMinGasPrice'] })
  dev('setNextBlockBaseFeePerGas', ['0x64'], ok)
  m('evm_setBlockGasLimit', ['0x2540be400'], 'true|null', { alias: ['anvil_setBlockGasLimit'] })
  dev('dropTransaction', (c) => [c.hash0], 'hash|null|bool')
  m('anvil_dropAllTransactions', [], ok)
  m('anvil_removePoolTransactions', (c) => [c.alice], ok)
  m('hardhat_setPrevRandao', (c) => [c.hash0], ok, { anvil: false })
  m('anvil_nodeInfo', [], { currentBlockNumber: 'any', environment: 'object' })
  m('hardhat_metadata', [], { clientVersion: 'text', chainId: 'any', instanceId: 'hash', latestBlockNumber: 'any', latestBlockHash: 'hash' },
    { alias: ['anvil_metadata'] })
  m('anvil_setLoggingEnabled', [true], ok, { alias: ['hardhat_setLoggingEnabled'] })
  m('anvil_setRpcUrl', ['http://127.0.0.1:1'], ok, { lenient: true })
  m('anvil_dumpState', [], 'data', { keep: 'dump', alias: ['hardhat_dumpState'] })
  m('anvil_loadState', (c) => [c.dump], 'true', { alias: ['hardhat_loadState'] })
  m('anvil_reset', [{ forking: { jsonRpcUrl: 'http://127.0.0.1:1' } }], null, { fails: -32004, anvil: false })
  m('anvil_reset', [{ forking: { blockNumber: null } }], ok, { anvil: false })
  dev('reset', [], ok)
}
