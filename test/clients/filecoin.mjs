// Filecoin's own clients: iso-filecoin signs and sends messages between f1 and f3 accounts, and looks at the state; what
// Ethereum's clients see of that.
import assert from 'node:assert/strict'
import test from 'node:test'
import { ContractFactory, HDNodeWallet, JsonRpcProvider, Mnemonic, parseEther } from 'ethers'
import * as Address from 'iso-filecoin/address'
import { Message } from 'iso-filecoin/message'
import { RPC } from 'iso-filecoin/rpc'
import { Token } from 'iso-filecoin/token'
import * as Wallet from 'iso-filecoin/wallet'
import { compile } from './lib/compile.mjs'
import { CHAIN_ID, MNEMONIC, rpc, testNode } from './lib/node.mjs'

const contracts = compile()
const node = await testNode()
const provider = new JsonRpcProvider(node.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 })
node.closing(() => provider.destroy())
const eth = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/0`).connect(provider)
const client = new RPC({ api: `${node.url}/rpc/v1`, network: 'testnet' })
const call = (method, ...params) => rpc(node.url, `Filecoin.${method}`, params)
const SECP = `m/44'/1'/0'/0/0`
const [ann, ben] = [0, 1].map((i) => Wallet.accountFromMnemonic(MNEMONIC, 'SECP256K1', `m/44'/1'/0'/0/${i}`, undefined, 'testnet'))
const bea = Wallet.accountFromMnemonic(MNEMONIC, 'BLS', SECP, undefined, 'testnet')
const text = (account) => account.address.toString()
const fil = (n) => Token.fromFIL(n).toAttoFIL().toString()

const ok = async (promise) => {
  const { result, error } = await promise
  assert.equal(error, undefined, String(error?.message))
  return result
}

/** Signs and sends a message of iso-filecoin's; gives the receipt's look-up. */
async function send(from, fields) {
  const message = await new Message({ from: text(from), value: '0', ...fields }).prepare(client)
  const signature = Wallet.signMessage(from.privateKey, from.type, message)
  const cid = await ok(client.pushMessage({ msg: message, signature }))
  const found = await ok(client.waitMsg({ cid, confidence: 0 }))
  return { message, cid, found }
}

test('an f1 and an f3 account come into being when they are paid', async () => {
  const { abi, bytecode } = contracts.Forwarder
  const forwarder = await (await new ContractFactory(abi, bytecode, eth).deploy()).waitForDeployment()
  for (const account of [ann, bea]) {
    await (await forwarder.forward(account.address.toBytes(), { value: parseEther('100') })).wait()
    assert.equal(await ok(client.balance(text(account))), fil(100))
    assert.equal(await ok(client.nonce(text(account))), 0)
  }
  assert.equal(await ok(client.balance(text(ben))), '0')
})

test('the node tells of itself', async () => {
  const version = await ok(client.version())
  assert.ok(version.Version && version.APIVersion >= 0 && 'BlockDelay' in version)
  assert.equal(typeof (await ok(client.networkName())), 'string')
  const head = await ok(client.chainHead())
  assert.equal(head.Cids.length, head.Blocks.length)
  const at = await ok(client.getTipSetByHeight({ height: head.Height, tipSetKey: head.Cids }))
  assert.deepEqual(at.Cids, head.Cids)
})

test('FIL is sent from f1 to f1, signed by iso-filecoin', async () => {
  const before = BigInt(await ok(client.balance(text(ann))))
  const { message, cid, found } = await send(ann, { to: text(ben), value: fil(1.5) })
  assert.equal(found.Receipt.ExitCode, 0)
  assert.deepEqual(found.Message, cid)
  assert.equal(await ok(client.balance(text(ben))), fil(1.5))
  assert.equal(await ok(client.nonce(text(ann))), message.nonce + 1)
  assert.ok(BigInt(await ok(client.balance(text(ann)))) < before - BigInt(fil(1.5)))
  // and by a client with the defaults: two tipsets of confidence
  assert.deepEqual((await ok(client.waitMsg({ cid }))).Receipt, found.Receipt)
  const searched = await call('StateSearchMsg', null, cid, -1, true)
  assert.deepEqual(searched.Receipt, found.Receipt)
  const shown = await call('ChainGetMessage', cid)
  assert.deepEqual([shown.From, shown.To, shown.Nonce, shown.Value], [text(ann), text(ben), message.nonce, fil(1.5)])
})

test('a BLS account sends too', async () => {
  const { found } = await send(bea, { to: text(ben), value: fil(0.25) })
  assert.equal(found.Receipt.ExitCode, 0)
  assert.equal(await ok(client.balance(text(ben))), fil(1.75))
})

test('addresses are looked up in each form', async () => {
  const id = await ok(client.stateLookupID({ address: text(ben) }))
  assert.match(id, /^t0\d+$/)
  assert.equal(await ok(client.stateAccountKey({ address: id })), text(ben))
  const shown = await ok(client.filecoinAddressToEthAddress({ address: id, blockNumber: 'latest' }))
  assert.equal(BigInt(shown), (0xffn << 152n) + BigInt(id.slice(2)))
  const f4 = Address.fromEthAddress(eth.address, 'testnet').toString()
  assert.equal(await call('EthAddressToFilecoinAddress', eth.address), f4)
  assert.equal(await ok(client.filecoinAddressToEthAddress({ address: f4, blockNumber: 'latest' })), eth.address.toLowerCase())
  const ethId = await ok(client.stateLookupID({ address: f4 }))
  assert.equal(await ok(client.stateLookupRobustAddress({ address: ethId })), f4)
  assert.equal(await ok(client.balance(f4)), (await provider.getBalance(eth.address)).toString())
})

test('an f1 account pays an Ethereum address and calls a contract', async () => {
  const { abi, bytecode } = contracts.Probe
  const probe = await (await new ContractFactory(abi, bytecode, eth).deploy(5n)).waitForDeployment()
  const to = '0x00000000000000000000000000000000000f1f10'
  await send(ann, { to: Address.fromEthAddress(to, 'testnet').toString(), value: fil(2) })
  assert.equal(await provider.getBalance(to), parseEther('2'))
  const data = Buffer.from(probe.interface.encodeFunctionData('count', [3n]).slice(2), 'hex')
  const params = Buffer.concat([Buffer.from([0x58, data.length]), data]).toString('base64')
  const { cid, found } = await send(ann, { to: Address.fromEthAddress(probe.target, 'testnet').toString(), method: 3844450837, params })
  assert.equal(found.Receipt.ExitCode, 0)
  assert.equal(await probe.number(), 8n)
  // Ethereum's clients see it as a transaction with a receipt and a log
  const hash = await call('EthGetTransactionHashByCid', cid)
  const receipt = await provider.getTransactionReceipt(hash)
  assert.equal(receipt.status, 1)
  assert.equal(probe.interface.parseLog(receipt.logs[0]).args.number, 8n)
  const shown = await provider.send('eth_getTransactionByHash', [hash])
  assert.equal(shown.input, '0x' + data.toString('hex'))
  assert.deepEqual(await call('EthGetMessageCidByTransactionHash', hash), cid)
})

test('what is wrong with a message is said', async () => {
  const message = await new Message({ from: text(ann), to: text(ben), value: '1' }).prepare(client)
  const signature = Wallet.signMessage(ben.privateKey, 'SECP256K1', message)
  const { error } = await client.pushMessage({ msg: message, signature })
  assert.match(error.message, /signature|sig/i)
  const poor = Wallet.create('SECP256K1', 'testnet')
  const broke = await client.gasEstimate({ msg: { from: text(poor), to: text(ben), value: fil(1) } })
  assert.ok(broke.error)
  const used = new Message({ ...message, nonce: 0 })
  const again = await client.pushMessage({ msg: used, signature: Wallet.signMessage(ann.privateKey, 'SECP256K1', used) })
  assert.match(again.error.message, /nonce/i)
})

test('a message that fails says so in its receipt', async () => {
  const f4 = Address.fromEthAddress(eth.address, 'testnet').toString()
  const message = new Message({ from: text(ann), to: f4, value: '1', method: 99, nonce: await ok(client.nonce(text(ann))),
    gasLimit: 50_000_000, gasFeeCap: '1000000000', gasPremium: '200000' })
  const cid = await ok(client.pushMessage({ msg: message, signature: Wallet.signMessage(ann.privateKey, 'SECP256K1', message) }))
  const found = await ok(client.waitMsg({ cid, confidence: 0 }))
  assert.ok(Number.isInteger(found.Receipt.ExitCode))
  assert.ok(found.Receipt.GasUsed > 0)
})
