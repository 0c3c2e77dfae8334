// viem against the node: its public, wallet and test clients.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createTestClient, createWalletClient, custom,
  encodeDeployData, encodeFunctionData, getAddress, getContract, hexToBigInt, http,
  multicall3Abi, numberToHex, pad, parseEther, parseEventLogs, toHex,
} from 'viem'
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { compile } from './lib/compile.mjs'
import { CHAIN_ID, MNEMONIC, kind, rpc, startNode, testNode } from './lib/node.mjs'

const contracts = compile()
const node = await testNode()
const chain = {
  id: CHAIN_ID, name: 'Filecoin development network',
  nativeCurrency: { name: 'FIL', symbol: 'FIL', decimals: 18 }, rpcUrls: { default: { http: [node.url] } },
}
const transport = http(node.url)
const options = { chain, transport, pollingInterval: 20, cacheTime: 0 }
const client = createPublicClient(options)
const accounts = Array.from({ length: 20 }, (_, i) => mnemonicToAccount(MNEMONIC, { addressIndex: i }))
const [alice, bob, carol] = accounts
const wallet = createWalletClient({ ...options, account: alice })
const dev = createTestClient({ ...options, mode: 'anvil' })

const mined = (hash) => client.waitForTransactionReceipt({ hash })
async function deploy(name, args, walletClient = wallet) {
  const { abi, bytecode } = contracts[name]
  const receipt = await mined(await walletClient.deployContract({ abi, bytecode, args }))
  assert.equal(receipt.status, 'success')
  return getContract({ address: receipt.contractAddress, abi, client: { public: client, wallet: walletClient } })
}
const token = await deploy('Token', [parseEther('1000000')])
const probe = await deploy('Probe', [5n])

/** The decoded revert inside viem's error. */
async function revert(promise) {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof BaseError, String(error))
    const reverted = error.walk((e) => e instanceof ContractFunctionRevertedError)
    assert.ok(reverted instanceof ContractFunctionRevertedError, error.message)
    return reverted
  }
  assert.fail('it did not revert')
}

test('a wallet transfers, and its receipt and transaction agree', async () => {
  const to = privateKeyToAccount(generatePrivateKey()).address
  const hash = await wallet.sendTransaction({ to, value: 12345n })
  const receipt = await mined(hash)
  const sent = await client.getTransaction({ hash })
  assert.equal(receipt.status, 'success')
  assert.equal(await client.getBalance({ address: to }), 12345n)
  assert.deepEqual([sent.blockHash, sent.blockNumber, sent.transactionIndex, sent.from, sent.to],
    [receipt.blockHash, receipt.blockNumber, receipt.transactionIndex, receipt.from, receipt.to])
  assert.equal(sent.type, 'eip1559')
  assert.equal(await client.getTransactionConfirmations({ hash }), 1n)
})

test('a contract is read, simulated and written', async () => {
  assert.equal(await token.read.symbol(), 'TEST')
  const { request, result } = await client.simulateContract({
    address: token.address, abi: token.abi, functionName: 'transfer', args: [bob.address, 17n], account: alice,
  })
  assert.equal(result, true)
  const receipt = await mined(await wallet.writeContract(request))
  const [event] = parseEventLogs({ abi: token.abi, logs: receipt.logs })
  assert.equal(event.eventName, 'Transfer')
  assert.deepEqual(event.args, { from: alice.address, to: bob.address, value: 17n })
  assert.equal(await token.read.balanceOf([bob.address]), 17n)
})

test('reverts are decoded: reason, custom error, panic, nothing', async () => {
  assert.equal((await revert(probe.simulate.failWithReason())).reason, 'a reason to fail')
  const custom = await revert(probe.simulate.failWithError([12n], { account: carol }))
  assert.equal(custom.data.errorName, 'Refused')
  assert.deepEqual(custom.data.args, [carol.address, 12n, 'not today'])
  assert.equal((await revert(probe.simulate.failPlain())).data.errorName, 'Plain')
  assert.match((await revert(probe.simulate.failPanic([0n]))).reason, /[Dd]iv/)
  const nested = await revert(probe.simulate.failNested([probe.address]))
  assert.deepEqual(nested.data.args, [getAddress(probe.address), 7n, 'not today'])
  await assert.rejects(probe.simulate.failSilently())
  const estimated = await revert(probe.estimateGas.failWithError([1n], { account: alice }))
  assert.equal(estimated.data.errorName, 'Refused')
  const token2 = await revert(token.simulate.transfer([carol.address, 1n], { account: accounts[15] }))
  assert.equal(token2.data.errorName, 'ERC20InsufficientBalance')
  assert.deepEqual(token2.data.args, [accounts[15].address, 0n, 1n])
})

test('logs are found by event and argument, decoded', async () => {
  const fromBlock = (await client.getBlockNumber()) + 1n
  for (let i = 1n; i <= 4n; i++) await mined(await token.write.transfer([accounts[10 + Number(i % 2n)].address, i]))
  const all = await token.getEvents.Transfer({}, { fromBlock })
  assert.deepEqual(all.map((l) => l.args.value), [1n, 2n, 3n, 4n])
  const some = await token.getEvents.Transfer({ to: accounts[11].address }, { fromBlock, strict: true })
  assert.deepEqual(some.map((l) => l.args.value), [1n, 3n])
  assert.ok(all.every((l) => l.removed === false))
})

test('state and block overrides show in a call, and nowhere else', async () => {
  const address = accounts[12].address
  const rich = await client.readContract({
    address: probe.address, abi: probe.abi, functionName: 'balanceOf', args: [address],
    stateOverride: [{ address, balance: parseEther('1234567') }],
  })
  assert.equal(rich, parseEther('1234567'))
  assert.equal(await client.getBalance({ address }), parseEther('10000'))
  const stored = await client.readContract({
    address: probe.address, abi: probe.abi, functionName: 'number',
    stateOverride: [{ address: probe.address, stateDiff: [{ slot: pad('0x0'), value: pad(toHex(4711)) }] }],
  })
  assert.equal(stored, 4711n)
  assert.notEqual(await probe.read.number(), 4711n)
  // a contract where there is none: it returns 42
  const code = '0x602a60005260206000f3'
  const nobody = privateKeyToAccount(generatePrivateKey()).address
  const { data } = await client.call({ to: nobody, stateOverride: [{ address: nobody, code }] })
  assert.equal(hexToBigInt(data), 42n)
  assert.equal(await client.getCode({ address: nobody }), undefined)
  const time = await client.call({
    to: probe.address, data: encodeFunctionData({ abi: probe.abi, functionName: 'time' }),
    blockOverrides: { time: 4_000_000_000n },
  })
  assert.equal(hexToBigInt(time.data), 4_000_000_000n)
})

test('a call can be made with a deployment that is not there (multicall by data)', async () => {
  const { data } = await client.call({
    code: '0x602a60005260206000f3', to: probe.address, data: '0x',
  }).catch(() => ({ data: null }))
  // viem does this by a contract-creating eth_call, whose result is the made code
  if (data !== null) assert.equal(hexToBigInt(data), 42n)
  const created = await client.request({ method: 'eth_call', params: [{ from: alice.address,
    data: encodeDeployData({ abi: contracts.Child.abi, bytecode: contracts.Child.bytecode, args: [3n] }) }, 'latest'] })
  assert.ok(created.length > 100)
})

test('multicall3 is there, as Filecoin tools expect', { skip: kind === 'anvil' && 'not in anvil' }, async () => {
  const multicall3 = { address: '0xcA11bde05977b3631167028862bE2a173976CA11' }
  const client3 = createPublicClient({ ...options, chain: { ...chain, contracts: { multicall3 } } })
  const answers = await client3.multicall({
    contracts: [
      { address: token.address, abi: token.abi, functionName: 'decimals' },
      { address: token.address, abi: token.abi, functionName: 'balanceOf', args: [alice.address] },
      { address: probe.address, abi: probe.abi, functionName: 'failPlain' },
      { ...multicall3, abi: multicall3Abi, functionName: 'getEthBalance', args: [accounts[13].address] },
    ],
  })
  assert.equal(answers[0].result, 18)
  assert.equal(typeof answers[1].result, 'bigint')
  assert.equal(answers[2].status, 'failure')
  assert.equal(answers[3].result, parseEther('10000'))
})

test('the node signs typed data as the account would', async () => {
  const byNode = createWalletClient({ ...options, account: bob.address })
  const message = {
    domain: { name: 'Letters', version: '1', chainId: CHAIN_ID, verifyingContract: token.address },
    types: {
      Person: [{ name: 'name', type: 'string' }, { name: 'at', type: 'address' }],
      Letter: [{ name: 'to', type: 'Person[]' }, { name: 'flags', type: 'bytes4' }, { name: 'sum', type: 'int256' },
        { name: 'ok', type: 'bool' }],
    },
    primaryType: 'Letter',
    message: { to: [{ name: 'Carol', at: carol.address }], flags: '0x01020304', sum: -5n, ok: true },
  }
  assert.equal(await byNode.signTypedData(message), await bob.signTypedData(message))
  assert.equal(await byNode.signMessage({ message: 'hi' }), await bob.signMessage({ message: 'hi' }))
  assert.equal(await byNode.signMessage({ message: { raw: '0x00ff' } }), await bob.signMessage({ message: { raw: '0x00ff' } }))
  const hash = await byNode.sendTransaction({ to: carol.address, value: 1n })
  assert.equal((await mined(hash)).from, bob.address.toLowerCase())
  assert.deepEqual((await byNode.getAddresses()).length, 20)
})

test('fees and nonces are filled in, at once for several transactions', async () => {
  const sender = createWalletClient({ ...options, account: accounts[6] })
  const nonce = await client.getTransactionCount({ address: accounts[6].address })
  const hashes = await Promise.all([0, 1, 2].map((i) =>
    sender.sendTransaction({ to: carol.address, value: 1n, nonce: nonce + i, gas: 10_000_000n })))
  for (const receipt of await Promise.all(hashes.map(mined))) assert.equal(receipt.status, 'success')
  const fees = await client.estimateFeesPerGas()
  assert.ok(fees.maxFeePerGas > fees.maxPriorityFeePerGas)
  const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [10, 90] })
  assert.equal(history.baseFeePerGas.length, 5)
})

test('an account is impersonated', async () => {
  const address = '0x00000000000000000000000000000000DeaDBeef'
  await dev.setBalance({ address, value: parseEther('5') })
  assert.equal(await client.getBalance({ address }), parseEther('5'))
  await dev.impersonateAccount({ address })
  const asThem = createWalletClient({ ...options, account: address })
  const receipt = await mined(await asThem.sendTransaction({ to: carol.address, value: parseEther('1') }))
  assert.equal(receipt.from, address.toLowerCase())
  // a contract's address too
  await dev.impersonateAccount({ address: token.address })
  await dev.setBalance({ address: token.address, value: parseEther('5') })
  const asToken = createWalletClient({ ...options, account: token.address })
  assert.equal((await mined(await asToken.writeContract({ ...probe, functionName: 'count', args: [1n] }))).status, 'success')
  await dev.stopImpersonatingAccount({ address })
  await assert.rejects(asThem.sendTransaction({ to: carol.address, value: 1n }))
})

test('snapshots take the chain back', async () => {
  const before = await client.getBlockNumber()
  const number = await probe.read.number()
  const id = await dev.snapshot()
  const hash = await probe.write.count([10n])
  await mined(hash)
  assert.equal(await probe.read.number(), number + 10n)
  await dev.revert({ id })
  assert.equal(await probe.read.number(), number)
  assert.equal(await client.getBlockNumber(), before)
  await assert.rejects(client.getTransactionReceipt({ hash }))
  // and it goes on from there
  await mined(await probe.write.count([3n]))
  assert.equal(await probe.read.number(), number + 3n)
})

test('time is moved, blocks are mined on demand and at intervals', async () => {
  const now = (await client.getBlock()).timestamp
  await dev.increaseTime({ seconds: 3600 })
  await dev.mine({ blocks: 1 })
  assert.ok((await client.getBlock()).timestamp >= now + 3600n)
  const next = (await client.getBlock()).timestamp + 1000n
  await dev.setNextBlockTimestamp({ timestamp: next })
  await mined(await probe.write.count([1n]))
  assert.equal((await client.getBlock()).timestamp, next)
  assert.ok((await probe.read.time()) >= next)
  const height = await client.getBlockNumber()
  await dev.mine({ blocks: 10, interval: 30 })
  assert.equal(await client.getBlockNumber(), height + 10n)
  const [a, b] = await Promise.all([9n, 10n].map((n) => client.getBlock({ blockNumber: height + n })))
  assert.equal(b.timestamp - a.timestamp, 30n)
})

test('an event is watched from a block of the past on', { timeout: 60_000 }, async () => {
  const hash = await probe.write.count([3n])
  const { blockNumber } = await mined(hash)
  await dev.mine({ blocks: 2 })
  const logs = await new Promise((resolve, reject) => {
    const stop = client.watchContractEvent({ address: probe.address, abi: probe.abi, eventName: 'Counted', fromBlock: blockNumber,
      onLogs: (found) => (stop(), resolve(found)), onError: reject })
  })
  assert.equal(logs[0].transactionHash, hash)
})

test('who lacks the money for a transfer is told so', async () => {
  const poor = createWalletClient({ ...options, account: mnemonicToAccount(MNEMONIC, { addressIndex: 4711 }) })
  await assert.rejects(poor.sendTransaction({ to: bob.address, value: 1n }),
    (error) => error.walk((e) => e.name === 'InsufficientFundsError') !== null)
})

test('without automine, transactions wait in the pool and may be replaced or dropped', async () => {
  const account = accounts[9]
  const sender = createWalletClient({ ...options, account })
  await dev.setAutomine(false)
  try {
    assert.equal(await dev.getAutomine(), false)
    const nonce = await client.getTransactionCount({ address: account.address })
    const gas = { gas: 10_000_000n, maxFeePerGas: 10n ** 10n }
    const first = await sender.sendTransaction({ to: carol.address, value: 1n, nonce, ...gas, maxPriorityFeePerGas: 10n ** 8n })
    const pending = await client.getTransaction({ hash: first })
    assert.deepEqual([pending.blockHash, pending.blockNumber, pending.transactionIndex], [null, null, null])
    assert.equal(await client.getTransactionCount({ address: account.address, blockTag: 'pending' }), nonce + 1)
    assert.equal(await client.getTransactionCount({ address: account.address }), nonce)
    await assert.rejects(sender.sendTransaction({ to: carol.address, value: 2n, nonce, ...gas, maxPriorityFeePerGas: 10n ** 8n + 1n }))
    const second = await sender.sendTransaction({
      to: carol.address, value: 3n, nonce, gas: gas.gas, maxFeePerGas: 2n * 10n ** 10n, maxPriorityFeePerGas: 2n * 10n ** 8n,
    })
    const status = await dev.getTxpoolStatus()
    assert.equal(status.pending, 1)
    const balance = await client.getBalance({ address: carol.address })
    await dev.mine({ blocks: 1 })
    assert.equal((await client.getTransactionReceipt({ hash: second })).status, 'success')
    assert.equal(await client.getBalance({ address: carol.address }), balance + 3n)
    await assert.rejects(client.getTransactionReceipt({ hash: first }))
    const dropped = await sender.sendTransaction({ to: carol.address, value: 1n, nonce: nonce + 1, ...gas, maxPriorityFeePerGas: 10n ** 8n })
    await dev.dropTransaction({ hash: dropped })
    await dev.mine({ blocks: 1 })
    await assert.rejects(client.getTransactionReceipt({ hash: dropped }))
  } finally {
    await dev.setAutomine(true)
  }
})

test('code, storage and nonces are edited', async () => {
  const address = '0x00000000000000000000000000000000C0DE0001'
  await dev.setCode({ address, bytecode: '0x602a60005260206000f3' })
  assert.equal(hexToBigInt((await client.call({ to: address })).data), 42n)
  assert.equal(await client.getCode({ address }), '0x602a60005260206000f3')
  await dev.setStorageAt({ address: probe.address, index: 0, value: pad(numberToHex(99)) })
  assert.equal(await probe.read.number(), 99n)
  await mined(await probe.write.count([1n]))
  assert.equal(await probe.read.number(), 100n)
  const account = accounts[17].address
  await dev.setNonce({ address: account, nonce: 40 })
  assert.equal(await client.getTransactionCount({ address: account }), 40)
  const sender = createWalletClient({ ...options, account: accounts[17] })
  assert.equal((await mined(await sender.sendTransaction({ to: bob.address, value: 1n }))).status, 'success')
})

test('a block holds as many transactions as its gas, and the rest wait', async () => {
  await dev.setAutomine(false)
  try {
    const hashes = []
    for (const account of accounts.slice(0, 16)) {
      const sender = createWalletClient({ ...options, account })
      const nonce = await client.getTransactionCount({ address: account.address, blockTag: 'pending' })
      hashes.push(await sender.sendTransaction({ to: carol.address, value: 1n, nonce, gas: 20_000_000n * (kind === 'fvm' ? 1n : 0n) || 21_000n }))
    }
    await dev.mine({ blocks: 1 })
    const block = await client.getBlock()
    assert.equal(block.transactions.length, 16)
    assert.deepEqual(new Set(block.transactions), new Set(hashes))
    const receipts = await Promise.all(hashes.map(mined))
    const cumulative = receipts.sort((a, b) => a.transactionIndex - b.transactionIndex).map((r) => r.cumulativeGasUsed)
    assert.equal(cumulative.at(-1), block.gasUsed)
    for (let i = 1; i < 16; i++) assert.ok(cumulative[i] > cumulative[i - 1])
  } finally {
    await dev.setAutomine(true)
  }
})

test('what viem asks for first and the node has not is answered as unknown', async () => {
  const raw = createPublicClient({ chain, transport: custom({ request: client.request }) })
  await assert.rejects(raw.request({ method: 'eth_surelyNotServed', params: [] }), (e) => e.walk((x) => x.code === -32601) !== null)
})

test('calls are simulated in a row', async () => {
  const create = (n) => ({ data: encodeDeployData({ ...contracts.Probe, args: [n] }) })
  const { results, block } = await client.simulateCalls({
    account: alice.address,
    calls: [
      { to: token.address, abi: token.abi, functionName: 'transfer', args: [bob.address, 7n] },
      { to: token.address, abi: token.abi, functionName: 'balanceOf', args: [bob.address] },
      ...(kind === 'fvm' ? [create(3n), create(4n)] : []), // each at an address of its own; anvil wants a `to`
    ],
  })
  assert.ok(results.every((r) => r.status === 'success'), results.map((r) => r.status).join())
  assert.equal(results[1].result, await token.read.balanceOf([bob.address]) + 7n)
  assert.equal(results[0].logs.length, 1)
  assert.ok(block.hash && block.gasUsed > 0n)
})

test('a state that is dumped goes into a fresh node, and into the one that runs', async () => {
  await mined(await token.write.transfer([bob.address, 77n]))
  const before = await token.read.balanceOf([bob.address])
  const dump = await dev.request({ method: 'anvil_dumpState', params: [] })
  await mined(await token.write.transfer([bob.address, 1n]))
  const other = await startNode()
  try {
    const there = createPublicClient({ ...options, transport: http(other.url) })
    assert.equal(await there.getCode({ address: token.address }), undefined)
    assert.equal(await rpc(other.url, 'anvil_loadState', [dump]), true)
    assert.equal(await there.readContract({ address: token.address, abi: token.abi, functionName: 'balanceOf', args: [bob.address] }), before)
    const sender = createWalletClient({ ...options, transport: http(other.url), account: alice })
    const hash = await sender.writeContract({ address: token.address, abi: token.abi, functionName: 'transfer', args: [carol.address, 1n] })
    assert.equal((await there.waitForTransactionReceipt({ hash })).status, 'success')
    await assert.rejects(rpc(other.url, 'anvil_loadState', [`${dump.slice(0, -20)}00`]))
    await assert.rejects(rpc(other.url, 'anvil_loadState', ['0x1234']))
  } finally {
    await other.stop()
  }
  assert.equal(await rpc(node.url, 'anvil_loadState', [dump]), true)
  assert.equal(await token.read.balanceOf([bob.address]), before)
  await mined(await token.write.transfer([bob.address, 5n]))
  assert.equal(await token.read.balanceOf([bob.address]), before + 5n)
})
