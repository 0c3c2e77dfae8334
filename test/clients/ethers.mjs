// ethers 6 against the node: what a dapp or a script does.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Contract, ContractFactory, HDNodeWallet, JsonRpcProvider, Mnemonic, Transaction, Wallet, ZeroHash, getBytes,
  hexlify, id, keccak256, parseEther, toBeHex, toQuantity, verifyMessage, verifyTypedData, zeroPadValue,
} from 'ethers'
import { compile } from './lib/compile.mjs'
import { CHAIN_ID, MNEMONIC, kind, post, rpc, testNode } from './lib/node.mjs'

const contracts = compile()
const node = await testNode()
const provider = new JsonRpcProvider(node.url, undefined, { cacheTimeout: -1, pollingInterval: 20 })
node.closing(async () => {
  await sleep(200) // listeners that were taken off uninstall their filters behind our back
  provider.destroy()
})
const wallets = Array.from({ length: 20 }, (_, i) =>
  HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`).connect(provider))
const [alice, bob, carol] = wallets

async function deploy(name, args = [], wallet = alice, overrides = {}) {
  const { abi, bytecode } = contracts[name]
  const contract = await new ContractFactory(abi, bytecode, wallet).deploy(...args, overrides)
  return contract.waitForDeployment()
}
const token = await deploy('Token', [parseEther('1000000')])
const probe = await deploy('Probe', [5n])

/** The error that a promise ends with. */
async function failure(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  assert.fail('it did not fail')
}

/** What was paid is what the receipt says: on Filecoin the price is a quotient, rounded down, since
 *  the tip is paid for the limit and not for what was used. */
function assertPaid(paid, { gasUsed, gasPrice }) {
  assert.ok(paid >= gasUsed * gasPrice && paid < gasUsed * (gasPrice + 1n), `${paid} for ${gasUsed} at ${gasPrice}`)
}

test('the network is the development network, with its funded accounts', async () => {
  assert.equal((await provider.getNetwork()).chainId, BigInt(CHAIN_ID))
  assert.equal(await provider.send('net_version', []), String(CHAIN_ID))
  const accounts = await provider.listAccounts()
  assert.deepEqual(accounts.map((a) => a.address), wallets.map((w) => w.address))
  for (const wallet of wallets.slice(10)) {
    assert.equal(await provider.getBalance(wallet.address), parseEther('10000'))
    assert.equal(await provider.getTransactionCount(wallet.address), 0)
  }
})

test('a transfer of value arrives, and costs what the receipt says', async () => {
  const to = Wallet.createRandom().address
  const before = await provider.getBalance(bob.address)
  const sent = await bob.sendTransaction({ to, value: parseEther('1.5') })
  const receipt = await sent.wait()
  assert.equal(receipt.status, 1)
  assert.equal(await provider.getBalance(to), parseEther('1.5'))
  assertPaid(before - (await provider.getBalance(bob.address)) - parseEther('1.5'), receipt)
  assert.equal(await provider.getBalance(to, receipt.blockNumber - 1), 0n)
})

test('what a transaction shows is what was signed', async () => {
  for (const type of [2, 0]) {
    const fees = type === 2 ? { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 6n } : { gasPrice: 10n ** 10n }
    const request = await carol.populateTransaction({ to: bob.address, value: 3n, data: '0x', type, ...fees })
    const raw = await carol.signTransaction(request)
    const hash = await provider.send('eth_sendRawTransaction', [raw])
    assert.equal(hash, keccak256(raw))
    const receipt = await provider.waitForTransaction(hash)
    const shown = await provider.getTransaction(hash)
    const signed = Transaction.from(raw)
    for (const field of ['hash', 'type', 'from', 'to', 'nonce', 'gasLimit', 'value', 'data', 'chainId',
      'maxFeePerGas', 'maxPriorityFeePerGas']) {
      assert.deepEqual(shown[field], signed[field], `${field} of type ${type}`)
    }
    assert.deepEqual([shown.signature.r, shown.signature.s, shown.signature.yParity],
      [signed.signature.r, signed.signature.s, signed.signature.yParity])
    assert.deepEqual([shown.blockHash, shown.blockNumber, shown.index],
      [receipt.blockHash, receipt.blockNumber, receipt.index])
    assert.equal(receipt.type, type)
  }
})

test('an unknown transaction is null, not an error', async () => {
  assert.equal(await provider.getTransaction(ZeroHash), null)
  assert.equal(await provider.getTransactionReceipt(id('none')), null)
})

test('an ERC-20 of OpenZeppelin is deployed, moved and watched', async () => {
  assert.equal(await token.name(), 'Test Token')
  assert.equal(await token.balanceOf(alice.address), parseEther('1000000'))
  const receipt = await (await token.transfer(bob.address, 250n)).wait()
  assert.equal(await token.balanceOf(bob.address), 250n)
  assert.equal(receipt.logs.length, 1)
  const [log] = receipt.logs
  assert.equal(log.fragment.name, 'Transfer')
  assert.deepEqual([...log.args], [alice.address, bob.address, 250n])
  assert.equal(log.address, await token.getAddress())
  assert.equal(await token.balanceOf(bob.address, { blockTag: receipt.blockNumber - 1 }), 0n)
  await (await token.connect(bob).approve(carol.address, 100n)).wait()
  await (await token.connect(carol).transferFrom(bob.address, carol.address, 60n)).wait()
  assert.equal(await token.allowance(bob.address, carol.address), 40n)
})

test('events are found by address, topic, block range and block hash', async () => {
  const from = (await provider.getBlockNumber()) + 1
  const receipts = []
  for (let i = 0; i < 6; i++) {
    receipts.push(await (await token.transfer(wallets[10 + (i % 2)].address, BigInt(i))).wait())
  }
  const amounts = (logs) => logs.map((l) => l.args.value)
  assert.deepEqual(amounts(await token.queryFilter('Transfer', from)), [0n, 1n, 2n, 3n, 4n, 5n])
  const toTen = token.filters.Transfer(null, wallets[10].address)
  assert.deepEqual(amounts(await token.queryFilter(toTen, from)), [0n, 2n, 4n])
  const either = token.filters.Transfer(null, [wallets[10].address, wallets[11].address])
  assert.equal((await token.queryFilter(either, from)).length, 6)
  assert.deepEqual(await token.queryFilter(token.filters.Transfer(bob.address), from), [])
  const { blockHash, blockNumber } = receipts[3]
  assert.deepEqual(amounts(await token.queryFilter('Transfer', blockNumber, blockNumber)), [3n])
  const address = await token.getAddress()
  const topics = [id('Transfer(address,address,uint256)')]
  assert.equal((await provider.getLogs({ address: [address, bob.address], topics, fromBlock: from })).length, 6)
  assert.equal((await provider.getLogs({ address: bob.address, topics, fromBlock: from })).length, 0)
  assert.equal((await provider.getLogs({ topics: [null, zeroPadValue(alice.address, 32)], fromBlock: from })).length, 6)
  const [log] = await provider.getLogs({ address, blockHash })
  const shown = receipts[3].logs[0]
  for (const field of ['transactionHash', 'blockHash', 'blockNumber', 'index', 'transactionIndex', 'data', 'topics']) {
    assert.deepEqual(log[field], shown[field], field)
  }
  if (kind === 'anvil') return // which answers [] to a range that is none
  const backwards = await failure(provider.send('eth_getLogs', [{ fromBlock: toQuantity(from + 3), toBlock: toQuantity(from) }]))
  assert.equal(backwards.error.code, -32602)
})

test('many events of one transaction are numbered in order', async () => {
  const receipt = await (await probe.countMany(40n)).wait()
  assert.equal(receipt.logs.length, 40)
  assert.deepEqual(receipt.logs.map((l) => l.index), Array.from({ length: 40 }, (_, i) => i))
  const found = await provider.getLogs({ address: probe.target, blockHash: receipt.blockHash })
  assert.deepEqual(found.map((l) => l.data), receipt.logs.map((l) => l.data))
})

test('each kind of revert is told apart, by call and by estimate', async () => {
  const cases = [
    ['failWithReason', [], (e) => assert.equal(e.reason, 'a reason to fail')],
    ['failPlain', [], (e) => assert.equal(e.revert.name, 'Plain')],
    ['failSilently', [], (e) => assert.equal(e.data, '0x')],
    ['failPanic', [0n], (e) => assert.match(e.reason, /DIVIDE_BY_ZERO/)],
    ['failAssert', [], (e) => assert.match(e.reason, /ASSERT/)],
    ['failWithError', [12n], (e) => {
      assert.equal(e.revert.name, 'Refused')
      assert.deepEqual([...e.revert.args], [alice.address, 12n, 'not today'])
    }],
    ['failNested', [await probe.getAddress()], (e) => {
      assert.equal(e.revert.name, 'Refused')
      assert.deepEqual([...e.revert.args], [probe.target, 7n, 'not today'])
    }],
  ]
  for (const [name, args, check] of cases) {
    const error = await failure(probe[name].staticCall(...args))
    assert.equal(error.code, 'CALL_EXCEPTION', `${name}: ${error}`)
    check(error)
    const estimate = await failure(probe[name].estimateGas(...args))
    assert.deepEqual([estimate.code, estimate.data], ['CALL_EXCEPTION', error.data], name)
    const call = { from: alice.address, to: probe.target, data: probe.interface.encodeFunctionData(name, args) }
    for (const method of ['eth_call', 'eth_estimateGas']) {
      const error = await failure(rpc(node.url, method, [call]))
      assert.equal(error.code, 3, `the code of ${name} by ${method}`)
      assert.match(error.data, /^0x([0-9a-f]{2})*$/)
    }
  }
})

test('a transaction that reverts is in a block with status 0', async () => {
  const balance = await provider.getBalance(bob.address)
  const sent = await probe.connect(bob).failWithReason.populateTransaction()
  const response = await bob.sendTransaction({ ...sent, gasLimit: 29_000_000n })
  const error = await failure(response.wait())
  assert.equal(error.code, 'CALL_EXCEPTION')
  assert.equal(error.receipt.status, 0)
  assert.equal(error.receipt.logs.length, 0)
  assertPaid(balance - (await provider.getBalance(bob.address)), error.receipt)
})

test('a constructor that reverts says why, and makes nothing', async () => {
  const { abi, bytecode } = contracts.Probe
  const factory = new ContractFactory(abi, bytecode, alice)
  const error = await failure(factory.deploy(666n))
  assert.equal(error.reason, 'an unlucky start')
  const sent = await factory.getDeployTransaction(666n)
  const made = await (await alice.sendTransaction({ ...sent, gasLimit: 100_000_000n * (kind === 'fvm' ? 10n : 0n) || 9_000_000n })).wait().catch((e) => e)
  assert.equal(made.receipt.status, 0)
  assert.equal(await provider.getCode(probe.target).then((c) => c.length > 2), true)
})

test('an estimate is enough, and not far from what is used', async () => {
  for (const [call, args] of [['count', [1n]], ['countMany', [20n]], ['makeChild', []], ['spin', [2000n]]]) {
    const gasLimit = await probe[call].estimateGas(...args)
    const receipt = await (await probe[call](...args, { gasLimit })).wait()
    assert.equal(receipt.status, 1, call)
    assert.ok(receipt.gasUsed * 2n > gasLimit, `${call} used ${receipt.gasUsed} of an estimate of ${gasLimit}`)
  }
  const to = Wallet.createRandom().address
  const gasLimit = await provider.estimateGas({ from: alice.address, to, value: 1n })
  assert.equal((await (await alice.sendTransaction({ to, value: 1n, gasLimit })).wait()).status, 1)
  // nobody's account, and a contract, may be the sender of an estimate
  assert.ok(await provider.estimateGas({ from: Wallet.createRandom().address, to: bob.address }) > 0n)
  assert.ok(await provider.estimateGas({ from: probe.target, to: bob.address }) > 0n)
})

test('a call without a sender is sent by the zero address, a call with one by that', async () => {
  assert.equal(await new Contract(probe.target, contracts.Probe.abi, provider).sender(), '0x0000000000000000000000000000000000000000')
  assert.equal(await probe.connect(carol).sender(), carol.address)
  assert.equal(await probe.chain(), BigInt(CHAIN_ID))
  const data = hexlify(new Uint8Array(5000).map((_, i) => i))
  assert.equal(await probe.echo(data), data)
})

test('an endless call ends', async () => {
  const error = await failure(probe.forever.staticCall({ gasLimit: 50_000_000n }))
  assert.equal(error.code, 'CALL_EXCEPTION', String(error))
})

test('value reaches a contract, and is paid out by it', async () => {
  await (await bob.sendTransaction({ to: probe.target, value: 1000n })).wait()
  assert.equal(await probe.paid(bob.address), 1000n)
  assert.equal(await provider.getBalance(probe.target), 1000n)
  const to = Wallet.createRandom().address
  await (await probe.payOut(to, 400n)).wait()
  assert.equal(await provider.getBalance(to), 400n)
  assert.equal(await probe.balanceOf(probe.target), 600n)
  const error = await failure(probe.payOut.staticCall(to, 10_000n))
  assert.equal(error.reason, 'could not pay')
})

test('a contract made by a contract has code, and the nonce that Ethereum gives it', async () => {
  const address = await probe.makeChild.staticCall()
  await (await probe.makeChild()).wait()
  assert.equal(await probe.child(), address)
  assert.ok((await provider.getCode(address)).length > 100)
  assert.equal(await provider.getTransactionCount(address), 1)
  assert.equal(await provider.getCode(bob.address), '0x')
  assert.equal(BigInt(await provider.getStorage(address, 0)), await probe.number())
  assert.equal(await provider.getStorage(address, 77), ZeroHash)
})

test('transactions sent together, out of order, are all mined in order', async () => {
  const wallet = wallets[5]
  const start = await wallet.getNonce()
  const requests = []
  for (let i = 0; i < 4; i++) {
    const request = await wallet.populateTransaction({ to: bob.address, value: 1n, nonce: start + i, gasLimit: 10_000_000n })
    requests.push(await wallet.signTransaction(request))
  }
  const hashes = []
  for (const raw of requests.reverse()) hashes.push(await provider.send('eth_sendRawTransaction', [raw]))
  assert.equal(await wallet.getNonce('pending'), start + 4)
  const receipts = await Promise.all(hashes.reverse().map((hash) => provider.waitForTransaction(hash)))
  for (let i = 1; i < receipts.length; i++) {
    const [a, b] = [receipts[i - 1], receipts[i]]
    assert.ok(a.blockNumber < b.blockNumber || (a.blockNumber === b.blockNumber && a.index < b.index))
  }
  assert.equal(await wallet.getNonce('latest'), start + 4)
})

test('a used nonce, an account without means, a foreign chain and a broken signature are refused', async () => {
  const used = await failure(alice.sendTransaction({ to: bob.address, nonce: 0 }))
  assert.equal(used.code, 'NONCE_EXPIRED', String(used))
  const poor = Wallet.createRandom().connect(provider)
  const broke = await failure(poor.sendTransaction({ to: bob.address, value: 1n, gasLimit: 10_000_000n }))
  assert.equal(broke.code, 'INSUFFICIENT_FUNDS', String(broke))
  const request = await alice.populateTransaction({ to: bob.address })
  const foreign = await alice.signTransaction({ ...request, chainId: 1n })
  await assert.rejects(provider.send('eth_sendRawTransaction', [foreign]))
  const raw = getBytes(await alice.signTransaction(request))
  await assert.rejects(rpc(node.url, 'eth_sendRawTransaction', [hexlify(raw.slice(0, -1))]))
  await assert.rejects(rpc(node.url, 'eth_sendRawTransaction', ['0x']))
  assert.equal(await alice.getNonce(), request.nonce)
})

test('the same transaction sent twice is mined once', async () => {
  const raw = await carol.signTransaction(await carol.populateTransaction({ to: bob.address, value: 9n }))
  const hash = await provider.send('eth_sendRawTransaction', [raw])
  await provider.waitForTransaction(hash)
  const balance = await provider.getBalance(bob.address)
  await assert.rejects(provider.send('eth_sendRawTransaction', [raw]))
  assert.equal(await provider.getBalance(bob.address), balance)
})

test('the node signs with its accounts as a wallet would', async () => {
  const signer = await provider.getSigner(bob.address)
  assert.equal(verifyMessage('hello', await signer.signMessage('hello')), bob.address)
  assert.equal(await signer.signMessage('hello'), await bob.signMessage('hello'))
  const { chainId } = await provider.getNetwork()
  const domain = { name: 'Test Token', version: '1', chainId, verifyingContract: await token.getAddress() }
  const types = {
    Permit: [
      { name: 'owner', type: 'address' }, { name: 'spender', type: 'address' }, { name: 'value', type: 'uint256' },
      { name: 'nonce', type: 'uint256' }, { name: 'deadline', type: 'uint256' },
    ],
  }
  const value = { owner: bob.address, spender: carol.address, value: 77n, nonce: await token.nonces(bob.address), deadline: 2n ** 48n }
  const signature = await signer.signTypedData(domain, types, value)
  assert.equal(signature, await bob.signTypedData(domain, types, value))
  assert.equal(verifyTypedData(domain, types, value, signature), bob.address)
  const [r, s, v] = ['0x' + signature.slice(2, 66), '0x' + signature.slice(66, 130), parseInt(signature.slice(130), 16)]
  await (await token.connect(carol).permit(bob.address, carol.address, 77n, value.deadline, v, r, s)).wait()
  assert.equal(await token.allowance(bob.address, carol.address), 77n)
  // structures within structures, arrays, strings
  const mail = {
    Person: [{ name: 'name', type: 'string' }, { name: 'wallets', type: 'address[]' }],
    Mail: [{ name: 'from', type: 'Person' }, { name: 'to', type: 'Person[]' }, { name: 'contents', type: 'bytes' }],
  }
  const letter = {
    from: { name: 'Bob', wallets: [bob.address] },
    to: [{ name: 'Carol', wallets: [carol.address, alice.address] }, { name: 'nobody', wallets: [] }],
    contents: '0x0102',
  }
  assert.equal(await signer.signTypedData(domain, mail, letter), await bob.signTypedData(domain, mail, letter))
})

test('a transaction that the node signs is what is sent raw', async () => {
  const signer = await provider.getSigner(wallets[9].address)
  const request = { to: bob.address, value: 6n, gasLimit: 30_000_000n, nonce: await signer.getNonce(), maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 5n }
  const tx = Transaction.from(await signer.signTransaction({ ...request, chainId: BigInt(CHAIN_ID) }))
  for (const name of ['to', 'value', 'gasLimit', 'nonce', 'maxFeePerGas', 'maxPriorityFeePerGas']) assert.equal(tx[name], request[name], name)
  assert.equal(tx.from, wallets[9].address)
  const receipt = await (await provider.broadcastTransaction(tx.serialized)).wait()
  assert.equal(receipt.hash, tx.hash)
})

test('the node sends from its accounts', async () => {
  const signer = await provider.getSigner(wallets[7].address)
  const sent = await signer.sendTransaction({ to: bob.address, value: 5n })
  const receipt = await sent.wait()
  assert.equal(receipt.from, wallets[7].address)
  const made = await new ContractFactory(contracts.Probe.abi, contracts.Probe.bytecode, signer).deploy(1n)
  await made.waitForDeployment()
  assert.equal(await made.number(), 1n)
  await assert.rejects(provider.send('eth_sendTransaction', [{ from: Wallet.createRandom().address, to: bob.address }]))
})

test('what the node sends side by side for one account gets nonces in a row', { skip: kind === 'anvil' && 'it gives the same one twice' }, async () => {
  const from = wallets[8].address
  const start = await provider.getTransactionCount(from)
  const hashes = await Promise.all(Array.from({ length: 60 }, () => rpc(node.url, 'eth_sendTransaction', [{ from, to: bob.address, value: '0x1' }])))
  const receipts = await Promise.all(hashes.map((hash) => provider.waitForTransaction(hash)))
  assert.ok(receipts.every((r) => r.status === 1))
  const sent = await Promise.all(hashes.map((hash) => provider.getTransaction(hash)))
  assert.deepEqual(sent.map((t) => t.nonce).sort((a, b) => a - b), Array.from({ length: 60 }, (_, i) => start + i))
})

test('a hundred calls go in one batch, each with its own answer', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) =>
    i % 10 === 9 ? failure(probe.failPlain.staticCall()) : probe.balanceOf(wallets[i % 20].address)))
  for (const [i, answer] of answers.entries()) {
    if (i % 10 === 9) assert.equal(answer.revert.name, 'Plain')
    else assert.equal(typeof answer, 'bigint')
  }
  const mixed = await post(node.url, [
    { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] },
    { jsonrpc: '2.0', id: 'two', method: 'eth_noSuchMethod', params: [] },
    { jsonrpc: '2.0', id: 3, method: 'eth_getBalance', params: ['not an address', 'latest'] },
    { jsonrpc: '2.0', id: 4, method: 'net_version' },
  ])
  const byId = new Map(mixed.map((a) => [a.id, a]))
  assert.equal(mixed.length, 4)
  assert.equal(byId.get(1).result, toQuantity(CHAIN_ID))
  assert.equal(byId.get('two').error.code, -32601)
  assert.equal(byId.get(3).error.code, -32602)
  assert.equal(byId.get(4).result, String(CHAIN_ID))
  for (const answer of mixed) assert.equal('result' in answer, !('error' in answer))
})

test('state is read at a block named as EIP-1898 says', async () => {
  const wallet = wallets[8]
  const balance = await provider.getBalance(wallet.address)
  const { blockNumber, blockHash } = await (await alice.sendTransaction({ to: wallet.address, value: 11n })).wait()
  const parent = await provider.getBlock(blockNumber - 1)
  const at = (method, params, block) => provider.send(method, [...params, block])
  for (const [block, wanted] of [
    [{ blockNumber: toQuantity(blockNumber) }, balance + 11n],
    [{ blockHash }, balance + 11n],
    [{ blockHash, requireCanonical: true }, balance + 11n],
    [{ blockHash: parent.hash }, balance],
    [{ blockNumber: toQuantity(blockNumber - 1) }, balance],
    [toQuantity(blockNumber - 1), balance],
  ]) {
    assert.equal(BigInt(await at('eth_getBalance', [wallet.address], block)), balance === wanted ? balance : wanted)
    const data = probe.interface.encodeFunctionData('balanceOf', [wallet.address])
    assert.equal(BigInt(await at('eth_call', [{ to: probe.target, data }], block)), wanted)
  }
  await assert.rejects(at('eth_getBalance', [wallet.address], { blockHash: id('no block') }))
  await assert.rejects(at('eth_getBalance', [wallet.address], toQuantity(blockNumber + 1000)))
})

test('blocks chain, and name their transactions', async () => {
  const receipt = await (await probe.count(1n)).wait()
  const block = await provider.getBlock(receipt.blockNumber, true)
  assert.equal(block.hash, receipt.blockHash)
  assert.deepEqual(block.prefetchedTransactions.map((t) => t.hash), [receipt.hash])
  assert.equal((await provider.getBlock(block.hash)).number, block.number)
  let child = block
  for (let i = 0; i < 5 && child.number > 0; i++) {
    const parent = await provider.getBlock(child.parentHash)
    assert.ok(parent.number < child.number && parent.timestamp <= child.timestamp)
    child = parent
  }
  assert.equal(await provider.send('eth_getBlockTransactionCountByHash', [block.hash]), '0x1')
  const receipts = await provider.send('eth_getBlockReceipts', [toQuantity(block.number)])
  assert.deepEqual(receipts.map((r) => r.transactionHash), [receipt.hash])
  assert.equal(await provider.send('eth_getBlockByHash', [id('no block'), false]).catch(() => null), null)
  assert.equal(await provider.send('eth_getBlockByNumber', [toQuantity(block.number + 1000), false]).catch(() => null), null)
})

test('fees are told, with their history', async () => {
  const fees = await provider.getFeeData()
  assert.ok(fees.gasPrice > 0n && fees.maxFeePerGas > 0n && fees.maxPriorityFeePerGas >= 0n)
  await (await probe.count(1n)).wait()
  const history = await provider.send('eth_feeHistory', ['0x3', 'latest', [25, 75]])
  assert.equal(history.gasUsedRatio.length, 3)
  assert.equal(history.baseFeePerGas.length, 4)
  assert.equal(history.reward.length, 3)
  for (const [low, high] of history.reward) assert.ok(BigInt(low) <= BigInt(high))
  for (const ratio of history.gasUsedRatio) assert.ok(ratio >= 0 && ratio <= 1)
  assert.equal(BigInt(history.oldestBlock), BigInt(await provider.getBlockNumber()) - 2n)
  const without = await provider.send('eth_feeHistory', ['0x2', 'latest', []])
  assert.equal(without.baseFeePerGas.length, 3)
  if (kind === 'anvil') return // which takes any percentiles
  await assert.rejects(provider.send('eth_feeHistory', ['0x2', 'latest', [75, 25]]))
  await assert.rejects(provider.send('eth_feeHistory', ['0x2', 'latest', [101]]))
})

test('filters give each thing once', async () => {
  const filter = await provider.send('eth_newFilter', [{ address: probe.target }])
  const blocks = await provider.send('eth_newBlockFilter', [])
  const first = await (await probe.count(1n)).wait()
  const second = await (await probe.count(1n)).wait()
  const logs = await provider.send('eth_getFilterChanges', [filter])
  assert.deepEqual(logs.map((l) => l.transactionHash), [first.hash, second.hash])
  assert.deepEqual(await provider.send('eth_getFilterChanges', [filter]), [])
  const hashes = await provider.send('eth_getFilterChanges', [blocks])
  assert.deepEqual(hashes, [first.blockHash, second.blockHash])
  const third = await (await probe.count(1n)).wait()
  assert.deepEqual((await provider.send('eth_getFilterChanges', [filter])).map((l) => l.transactionHash), [third.hash])
  assert.equal(await provider.send('eth_uninstallFilter', [filter]), true)
  assert.equal(await provider.send('eth_uninstallFilter', [filter]), false)
  await assert.rejects(provider.send('eth_getFilterChanges', [filter]))
  await assert.rejects(provider.send('eth_getFilterChanges', [toBeHex(12345, 32)]))
})

test('a contract tells its listeners of each event', async () => {
  const heard = []
  const done = Promise.withResolvers?.() ?? (() => {
    const d = {}
    d.promise = new Promise((resolve) => (d.resolve = resolve))
    return d
  })()
  await probe.on('Counted', (by, number) => {
    heard.push(number)
    if (heard.length === 5) done.resolve()
  })
  const start = await probe.number()
  for (let i = 0; i < 5; i++) await (await probe.count(1n)).wait()
  await done.promise
  await probe.off('Counted')
  assert.deepEqual(heard, [1n, 2n, 3n, 4n, 5n].map((n) => start + n))
})
