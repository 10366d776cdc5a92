// The nsqjs client: what all scenarios share. It runs the scenarios side by side against one nsqd and prints what each
// of them saw, as lines "scenario: what it saw".

const nsq = require('nsqjs')

const DEADLINE_MS = 30000 // for one scenario
const PATIENCE_MS = 10000 // how late something may be

const yesNo = (yes) => (yes ? 'yes' : 'no')
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Tells whether at least that long has passed since `start`, and not unreasonably longer.
function heldBack(start, leastMs) {
  const elapsed = performance.now() - start
  return elapsed >= leastMs && elapsed <= leastMs + PATIENCE_MS ? 'yes' : `no, ${Math.floor(elapsed)} ms`
}

// Values that have arrived and were not taken yet, or the functions that wait for one.
class Queue {
  constructor() {
    this.items = []
    this.takers = []
  }

  put(item) {
    if (this.takers.length) this.takers.shift()(item)
    else this.items.push(item)
  }

  get() {
    if (this.items.length) return Promise.resolve(this.items.shift())
    return new Promise((resolve) => this.takers.push(resolve))
  }
}

// A scenario collects what it saw; no other scenario uses its topic.
class Scenario {
  constructor(name, host, port) {
    this.name = name
    this.host = host
    this.port = port
    this.lines = []
  }

  saw(text) {
    this.lines.push(`${this.name}: ${text}`)
  }

  sawMessage(m) {
    this.saw(`${m.body}, attempt ${m.attempts}`)
  }

  sawHeldBack(m, start, leastMs) {
    this.saw(`${m.body}, attempt ${m.attempts}, after ${leastMs} ms: ${heldBack(start, leastMs)}`)
  }

  sawError(error) {
    this.saw(`error: ${error.message}`)
  }

  connectWriter() {
    this.writer = new nsq.Writer(this.host, this.port)
    this.writer.on('error', (error) => this.sawError(error))
    this.writer.connect()
    return new Promise((resolve) => this.writer.once('ready', resolve))
  }

  // Publishes one body, or several by MPUB, to the scenario's topic. Resolves with nsqd's reply.
  publish(bodies) {
    return new Promise((resolve) => {
      this.writer.publish(this.name, bodies, (error) => resolve(error ? error.message : 'OK'))
    })
  }

  async pub(body) {
    this.saw(`PUB ${body}: ${await this.publish(body)}`)
  }

  async mpub(...bodies) {
    this.saw(`MPUB ${bodies.join(' ')}: ${await this.publish(bodies)}`)
  }

  async dpub(delayMs, body) {
    const answer = await new Promise((resolve) => {
      // A list of one body: deferPublish accepts nothing else, although its description says otherwise.
      this.writer.deferPublish(this.name, [body], delayMs, (error) => resolve(error ? error.message : 'OK'))
    })
    this.saw(`DPUB ${body} ${delayMs} ms: ${answer}`)
  }

  // Makes an nsqjs Reader and returns the queue that gets its messages.
  consume(channel, options = {}) {
    const messages = new Queue()
    const reader = new nsq.Reader(this.name, channel, {
      nsqdTCPAddresses: `${this.host}:${this.port}`,
      ...options,
    })
    reader.on('error', (error) => this.sawError(error))
    reader.on('message', (m) => messages.put(m))
    reader.connect()
    return messages
  }

  // A plain nsqjs connection, which shows what a Reader hides: replies, heartbeats, CLS. Resolves when nsqd has
  // answered SUB.
  subscribe(channel, { maxInFlight = 1, ...options } = {}) {
    const conn = new nsq.NSQDConnection(this.host, this.port, this.name, channel, options)
    const subscriber = { conn, messages: new Queue(), replies: new Queue(), heartbeats: new Queue() }

    // nsqjs passes replies only to the connection's state machine, so they are read here on their way.
    const machine = conn.statemachine
    const raise = machine.raise.bind(machine)
    machine.raise = (event, data) => {
      if (event === 'response') {
        const queue = data.toString() === '_heartbeat_' ? subscriber.heartbeats : subscriber.replies
        queue.put(data.toString())
      }
      return raise(event, data)
    }

    conn.on('error', (error) => this.sawError(error))
    conn.on('message', (m) => subscriber.messages.put(m))
    return new Promise((resolve) => {
      conn.on('ready', async () => {
        subscriber.identified = JSON.parse(await subscriber.replies.get())
        await subscriber.replies.get() // SUB's OK; after any other reply there is no 'ready' event
        conn.setRdy(maxInFlight)
        resolve(subscriber)
      })
      conn.connect()
    })
  }
}

// Gives a scenario its writer and its deadline, and prints what it saw.
async function run(name, host, port, body) {
  const scenario = new Scenario(name, host, port)
  const whole = async () => {
    await scenario.connectWriter()
    await body(scenario)
    return true
  }
  try {
    const inTime = await Promise.race([whole(), sleep(DEADLINE_MS)])
    if (!inTime) scenario.saw(`no end within ${DEADLINE_MS / 1000} s`)
  } catch (reason) {
    scenario.saw(`failed: ${reason}`)
  }
  process.stdout.write(scenario.lines.map((line) => line + '\n').join(''))
}

function runAll(scenarios, host, port) {
  return Promise.all(Object.entries(scenarios).map(([name, body]) => run(name, host, port, body)))
}

module.exports = { Queue, heldBack, runAll, sleep, yesNo }
