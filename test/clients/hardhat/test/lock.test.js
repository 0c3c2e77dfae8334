import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { network } from 'hardhat'

const { ethers, networkHelpers, provider } = await network.create()
const { loadFixture, time } = networkHelpers
const [owner, other, third] = await ethers.getSigners()
const YEAR = 365 * 24 * 3600

/** hardhat's provider hands the node's error on as it is, with the revert's bytes. */
const decoded = (contract, error) => contract.interface.parseError(error.data)

async function locked() {
  const unlockTime = (await time.latest()) + YEAR
  const lock = await ethers.deployContract('Lock', [unlockTime], { value: 1000n })
  await lock.waitForDeployment()
  return { lock, unlockTime }
}

describe('Lock', () => {
  it('is deployed with its deposit', async () => {
    const { lock, unlockTime } = await loadFixture(locked)
    assert.equal(await lock.unlockTime(), BigInt(unlockTime))
    assert.equal(await lock.owner(), owner.address)
    assert.equal(await ethers.provider.getBalance(lock.target), 1000n)
  })

  it('says why it cannot be deployed', async () => {
    await assert.rejects(ethers.deployContract('Lock', [1n]), /Unlock time should be in the future/)
  })

  it('refuses before the time, with a custom error', async () => {
    const { lock } = await loadFixture(locked)
    await assert.rejects(lock.withdraw.staticCall(), (e) => decoded(lock, e).name === 'TooEarly')
    await assert.rejects(lock.withdraw(), /revert/)
  })

  it('refuses strangers', async () => {
    const { lock } = await loadFixture(locked)
    await assert.rejects(lock.connect(other).withdraw.staticCall(), (e) => {
      assert.deepEqual([decoded(lock, e).name, decoded(lock, e).args[0]], ['OwnableUnauthorizedAccount', other.address])
      return true
    })
  })

  it('pays its owner when the time has come', async () => {
    const { lock, unlockTime } = await loadFixture(locked)
    await time.increaseTo(unlockTime)
    assert.equal(await time.latest(), unlockTime)
    const receipt = await (await lock.withdraw()).wait()
    assert.equal(receipt.logs[0].fragment.name, 'Withdrawal')
    assert.equal(receipt.logs[0].args.amount, 1000n)
    assert.equal(await ethers.provider.getBalance(lock.target), 0n)
  })

  it('is as before after each fixture', async () => {
    const { lock } = await loadFixture(locked)
    assert.equal(await ethers.provider.getBalance(lock.target), 1000n)
  })
})

describe('the network helpers', () => {
  it('impersonate', async () => {
    const { lock } = await loadFixture(locked)
    const address = '0x00000000000000000000000000000000cafebabe'
    await networkHelpers.impersonateAccount(address)
    await networkHelpers.setBalance(address, 10n ** 20n)
    await (await lock.transferOwnership(address)).wait()
    const them = await ethers.getSigner(address)
    await (await lock.connect(them).transferOwnership(third.address)).wait()
    assert.equal(await lock.owner(), third.address)
    await networkHelpers.stopImpersonatingAccount(address)
  })

  it('mine blocks and move time', async () => {
    const height = await ethers.provider.getBlockNumber()
    await networkHelpers.mine(7)
    assert.equal(await ethers.provider.getBlockNumber(), height + 7)
    const now = await time.latest()
    await time.increase(100)
    assert.ok((await time.latest()) >= now + 100)
    await time.setNextBlockTimestamp(now + 5000)
    await networkHelpers.mine()
    assert.equal(await time.latest(), now + 5000)
  })

  it('edit balances, nonces, code and storage', async () => {
    const { lock } = await loadFixture(locked)
    await networkHelpers.setStorageAt(lock.target, 1, 12345)
    assert.equal(await lock.unlockTime(), 12345n)
    const address = '0x00000000000000000000000000000000cafed00d'
    await networkHelpers.setCode(address, '0x602a60005260206000f3')
    assert.equal(BigInt(await ethers.provider.call({ to: address })), 42n)
    await networkHelpers.setBalance(address, 77n)
    assert.equal(await ethers.provider.getBalance(address), 77n)
  })

  it('take snapshots that work once', async () => {
    const id = await provider.request({ method: 'evm_snapshot' })
    assert.equal(await provider.request({ method: 'evm_revert', params: [id] }), true)
    const again = await provider.request({ method: 'evm_revert', params: [id] }).catch(() => false)
    assert.equal(again, false)
  })
})

describe('console.log', () => {
  it('is printed by the node, for calls and transactions', async () => {
    const { lock } = await loadFixture(locked)
    assert.equal(await lock.shout('written by a contract'), 21n)
    await assert.rejects(lock.withdraw({ gasLimit: 2_000_000_000n }).then((tx) => tx.wait()))
  })
})
