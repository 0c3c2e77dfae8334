// A project of hardhat 3 as it is set up for a node that runs already: the test (../hardhat.mjs) starts it.
import { createRequire } from 'node:module'
import hardhatEthers from '@nomicfoundation/hardhat-ethers'
import hardhatNetworkHelpers from '@nomicfoundation/hardhat-network-helpers'
import hardhatNodeTestRunner from '@nomicfoundation/hardhat-node-test-runner'
import { defineConfig } from 'hardhat/config'

export default defineConfig({
  plugins: [hardhatEthers, hardhatNetworkHelpers, hardhatNodeTestRunner],
  solidity: {
    compilers: [{
      version: '0.8.37',
      // the compiler of the npm package: hardhat would fetch one
      path: createRequire(import.meta.url).resolve('solc/soljson.js'),
      settings: { evmVersion: 'cancun', optimizer: { enabled: true } },
    }],
  },
  networks: {
    fvm: { type: 'http', chainType: 'l1', url: process.env.NODE_URL ?? 'http://127.0.0.1:8545' },
  },
})
