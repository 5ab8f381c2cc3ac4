// The stores of JavaScript, measured. Prints one JSON line a figure.
//   node --expose-gc db.js ssb-db|ssb-db2|ssb-db2-tx ingest|query|fresh|start DATA WORK
//   node --expose-gc db.js ssb-db-private ingest|log|read DATA WORK
// DATA holds what gen.js made; WORK is the data directory. ssb-db has ssb-backlinks; ssb-db2 its compat and full-mentions.
// ssb-db-private is ssb-db with ssb-private1 and ssb-private, as the author of the longest feed has it.
// ssb-db2-tx is ssb-db2 fed by addTransaction, 30 messages of one author a call, which is the fastest way in.
'use strict'
const fs = require('fs')
const path = require('path')
const pull = require('pull-stream')
const SecretStack = require('secret-stack')
const caps = require('ssb-caps')
const ssbKeys = require('ssb-keys')

const [, , flavour, mode, data, work] = process.argv
const isDb2 = flavour.startsWith('ssb-db2')
const promise = (f) => new Promise((resolve, reject) => f((err, value) => (err ? reject(err) : resolve(value))))
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const print = (figures) => console.log(JSON.stringify(figures))
const now = () => Number(process.hrtime.bigint()) / 1e9
const count = (source) => promise((cb) => {
  let n = 0
  pull(source, pull.drain(() => { n++ }, (err) => cb(err, n)))
})

function boot () {
  const isPrivate = flavour === 'ssb-db-private'
  const keys = isPrivate ? ssbKeys.generate('ed25519', Buffer.from(hot().seed, 'base64')) : ssbKeys.loadOrCreateSync(path.join(work, 'secret'))
  const stack = SecretStack({ appKey: caps.shs })
  if (isDb2) stack.use(require('ssb-db2')).use(require('ssb-db2/compat')).use(require('ssb-db2/full-mentions'))
  else if (isPrivate) stack.use(require('ssb-db')).use(require('ssb-private1')).use(require('ssb-private'))
  else stack.use(require('ssb-db')).use(require('ssb-backlinks'))
  return stack({ keys, path: work, connections: { incoming: {}, outgoing: {} }, timers: { inactivity: 1e9 } })
}

// Resolves when every index has caught up with the log.
function indexed (ssb) {
  if (isDb2) {
    const names = ['keys', 'base', 'fullMentions'].filter((name) => ssb.db.getIndex(name))
    return promise((cb) => ssb.db.onDrain(names, () => cb()))
  }
  return new Promise((resolve) => {
    let quiet = 0
    const timer = setInterval(() => {
      const { indexes } = ssb.progress()
      quiet = indexes && indexes.current === indexes.target ? quiet + 1 : 0
      if (quiet > 3) {
        clearInterval(timer)
        resolve()
      }
    }, 20)
  })
}

async function ingest () {
  const lines = fs.readFileSync(path.join(data, 'msgs.jsonl'), 'utf8').split('\n').filter(Boolean)
  const messages = lines.map((line) => JSON.parse(line))
  const ssb = boot()
  if (global.gc) global.gc()
  const cpu = process.cpuUsage()
  const start = now()
  if (flavour === 'ssb-db2-tx') await addTransactions(ssb, messages)
  else await addAll(isDb2 ? (value, cb) => ssb.db.add(value, cb) : (value, cb) => ssb.add(value, cb), messages)
  await indexed(ssb)
  const seconds = now() - start
  const { user, system } = process.cpuUsage(cpu)
  await sleep(1500) // what is written late belongs to the disk
  print({ count: messages.length, seconds, cpu: (user + system) / 1e6, disk: size(work) })
  await promise((cb) => ssb.close(cb))
}

// Up to 2,000 are under way.
function addAll (add, messages) {
  return new Promise((resolve, reject) => {
    let begun = 0
    let done = 0
    let pumping = false
    function pump () {
      if (pumping) return
      pumping = true
      while (begun < messages.length && begun - done < 2000) {
        add(messages[begun++], (err) => {
          if (err) return reject(err)
          if (++done === messages.length) return resolve()
          if (!pumping && begun - done < 1000) setImmediate(pump)
        })
      }
      pumping = false
    }
    pump()
  })
}

async function addTransactions (ssb, messages) {
  const feeds = new Map()
  for (const message of messages) {
    if (!feeds.has(message.author)) feeds.set(message.author, [])
    feeds.get(message.author).push(message)
  }
  for (const feed of feeds.values()) {
    for (let i = 0; i < feed.length; i += 30) {
      await promise((cb) => ssb.db.addTransaction(feed.slice(i, i + 30), [], cb))
    }
  }
}

function size (folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const name = path.join(folder, entry.name)
    return sum + (entry.isDirectory() ? size(name) : fs.statSync(name).size)
  }, 0)
}

function meta () {
  return JSON.parse(fs.readFileSync(path.join(data, 'meta.json')))
}

// The longest feed.
function hot () {
  return meta().feeds.reduce((a, b) => (b.seq > a.seq ? b : a))
}

// What is asked, by name; all answers are counted.
function questions (ssb) {
  const hotId = hot().id
  const voted = meta().topVoted[5][0]
  if (!isDb2) {
    return {
      get: (key) => promise((cb) => ssb.get({ id: key, meta: true }, cb)),
      feed: () => count(ssb.createHistoryStream({ id: hotId, live: false, keys: true })),
      scan: () => count(ssb.createLogStream({ live: false })),
      posts: () => count(ssb.messagesByType({ type: 'post', live: false })),
      last: () => count(ssb.messagesByType({ type: 'post', live: false, limit: 30, reverse: true })),
      backlinks: () => count(ssb.backlinks.read({ query: [{ $filter: { dest: voted } }], live: false }))
    }
  }
  const { where, type, author, votesFor, toCallback, descending, paginate } = require('ssb-db2/operators')
  const ask = async (...operators) => {
    const found = await promise((cb) => ssb.db.query(...operators, toCallback(cb)))
    return found.results ? found.results.length : found.length
  }
  return {
    get: (key) => promise((cb) => ssb.db.getMsg(key, cb)),
    feed: () => ask(where(author(hotId))),
    scan: () => ask(),
    posts: () => ask(where(type('post'))),
    last: () => ask(where(type('post')), descending(), paginate(30)),
    backlinks: () => ask(where(votesFor(voted)))
  }
}

async function measure (name, runs, ask) {
  const times = []
  let items
  for (let i = 0; i < runs; i++) {
    const start = now()
    items = await ask(i)
    times.push(now() - start)
  }
  const first = times[0]
  times.sort((a, b) => a - b)
  print({ name, items, first, median: times[runs >> 1] })
}

function keys () {
  return fs.readFileSync(path.join(data, 'keys.txt'), 'utf8').split('\n').filter(Boolean)
}

async function query () {
  const ssb = boot()
  await indexed(ssb)
  const ids = keys()
  const id = (i) => ids[(i * 7919 + 13) % ids.length]
  const { get, feed, scan, posts, last, backlinks } = questions(ssb)
  await measure('get', 2000, async (i) => { await get(id(i)); return 1 })
  await measure('feed', 5, feed)
  await measure('scan', 3, scan)
  await measure('posts', 3, posts)
  await measure('last', 50, last)
  await measure('backlinks', 20, backlinks)
  await promise((cb) => ssb.close(cb))
}

// The first questions of a process.
async function fresh () {
  const ssb = boot()
  await indexed(ssb)
  const { last, backlinks } = questions(ssb)
  await measure('last', 1, last)
  await measure('backlinks', 1, backlinks)
  await promise((cb) => ssb.close(cb))
}

// The first question of a process: of all messages those that were opened are counted.
async function openingAll () {
  const ssb = boot()
  await indexed(ssb)
  const opened = (source) => count(pull(source, pull.filter((item) => item.value.private === true)))
  await measure('log', 1, () => opened(ssb.createLogStream({ private: true, live: false })))
  await promise((cb) => ssb.close(cb))
}

async function readingPrivate () {
  const ssb = boot()
  await indexed(ssb)
  const query = [{ $filter: { timestamp: { $gt: 0 } } }]
  await measure('read', 1, () => count(ssb.private.read({ query, live: false })))
  await promise((cb) => ssb.close(cb))
}

async function start () {
  const begun = now()
  const ssb = boot()
  await questions(ssb).get(keys()[3])
  const first = now() - begun + started
  if (global.gc) global.gc()
  await sleep(3000)
  print({ first, memory: process.memoryUsage().rss })
  await promise((cb) => ssb.close(cb))
}

const started = process.uptime()
fs.mkdirSync(work, { recursive: true })
const modes = { ingest, query, fresh, start, log: openingAll, read: readingPrivate }
modes[mode]().then(() => setTimeout(() => process.exit(0), 200), (err) => {
  console.error(err)
  process.exit(1)
})
