// The nsqjs client: runs one scenario of ../../README.md against one nsqd.
//
//     node client.js SCENARIO HOST PORT

const nsq = require('nsqjs')

const [scenario, host, port] = [process.argv[2], process.argv[3], Number(process.argv[4])]
const topic = 'topic'
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const settle = () => sleep(400)

function fail(why) {
  console.error(why)
  process.exit(1)
}

// What the scenario asks for in IDENTIFY, or sends with AUTH.
function spoken(who) {
  const given = {}
  if (scenario.startsWith('tls')) Object.assign(given, { tls: true, tlsVerification: false })
  if (scenario.endsWith('snappy')) given.snappy = true
  if (scenario.endsWith('deflate')) Object.assign(given, { deflate: true, deflateLevel: 3 })
  if (scenario === 'auth') {
    const everything = { topic: '.*', channels: ['.*'], permissions: ['publish', 'subscribe'] }
    const identity = `nsqjs-0.13.0 ${who}` // every connection has a different secret
    given.authSecret = JSON.stringify({ ttl: 60, identity, identity_url: '', authorizations: [everything] })
  }
  return given
}

async function producer(...bodies) {
  const writer = new nsq.Writer(host, port, spoken('producer'))
  writer.on('error', fail)
  writer.connect()
  await new Promise((resolve) => writer.once('ready', resolve))
  for (const body of bodies) await publish(writer, body)
  return writer
}

// A list of bodies is an MPUB.
function publish(writer, bodies) {
  return new Promise((resolve) => writer.publish(topic, bodies, (error) => (error ? fail(error) : resolve())))
}

class Consumer {
  constructor(channel, options) {
    this.messages = []
    this.reader = new nsq.Reader(topic, channel, {
      nsqdTCPAddresses: `${host}:${port}`,
      ...spoken('consumer'),
      ...options,
    })
    this.reader.on('error', (error) => console.error(error))
    this.reader.on('message', (m) => this.messages.push(m))
    this.reader.connect()
  }

  async take(body, attempts) {
    while (!this.messages.length) await sleep(1)
    const m = this.messages.shift()
    if (String(m.body) !== body || m.attempts !== attempts) fail(`got ${m.body}, attempt ${m.attempts}`)
    return m
  }

  close() {
    this.reader.close()
  }
}

async function end(...all) {
  for (const one of all) {
    await settle()
    one.close()
  }
  await settle()
}

const scenarios = {
  async publish() {
    const p = await producer('one')
    await publish(p, ['two', 'three'])
    // A list of one body: deferPublish accepts nothing else, although its description says otherwise.
    await new Promise((resolve) => p.deferPublish(topic, ['later'], 100, resolve))
    await end(p)
  },

  async consume() {
    const p = await producer('one', 'two', 'three')
    const c = new Consumer('channel')
    for (const body of ['one', 'two', 'three']) (await c.take(body, 1)).finish()
    await end(c, p)
  },

  async requeue() {
    const p = await producer('again')
    const c = new Consumer('channel')
    ;(await c.take('again', 1)).requeue(0, false)
    ;(await c.take('again', 2)).requeue(300, false)
    ;(await c.take('again', 3)).finish()
    await end(c, p)
  },

  async touch() {
    const p = await producer('slow')
    const c = new Consumer('channel', { messageTimeout: 1000 })
    const m = await c.take('slow', 1)
    for (let i = 0; i < 2; i++) {
      await sleep(700)
      m.touch()
    }
    await sleep(700)
    m.finish()
    await end(c, p)
  },

  async timeout() {
    const p = await producer('forgotten')
    const c = new Consumer('channel', { messageTimeout: 1000 })
    await c.take('forgotten', 1)
    ;(await c.take('forgotten', 2)).finish()
    await end(c, p)
  },

  async channels() {
    const p = await producer()
    const left = new Consumer('left')
    await settle()
    const right = new Consumer('right')
    await settle()
    await publish(p, 'one')
    await publish(p, 'two')
    for (const body of ['one', 'two']) {
      ;(await left.take(body, 1)).finish()
      ;(await right.take(body, 1)).finish()
    }
    await end(left, right, p)
  },

  async close() {
    const p = await producer('held', 'left')
    const c = new Consumer('channel')
    const held = await c.take('held', 1)
    c.close()
    await settle()
    held.finish()
    await end(p)
  },

  async reconnect() {
    await end(await producer('lost'))
    // nsqd delivers a message that was in flight again after its timeout.
    const c = new Consumer('channel', { messageTimeout: 1000, lookupdPollInterval: 1 })
    await c.take('lost', 1)
    console.log('cut')
    ;(await c.take('lost', 2)).finish()
    await end(c)
  },
}

// One message is published and consumed over what was negotiated.
async function talk() {
  const p = await producer('one')
  const c = new Consumer('channel')
  ;(await c.take('one', 1)).finish()
  await end(c, p)
}

const run = scenarios[scenario] || talk
run().then(() => process.exit(0), fail)
