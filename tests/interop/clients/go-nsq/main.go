// The go-nsq client: what all scenarios share. It runs the scenarios of scenarios.go side by side against one nsqd and
// prints what each of them saw, as lines "scenario: what it saw".
//
//	go-nsq HOST PORT
//	go-nsq transfer JOB    (transfer.go)
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

const (
	deadline = 30 * time.Second // for one scenario
	patience = 10 * time.Second // how late something may be
)

// A scenario collects what it saw; no other scenario uses its topic.
type scenario struct {
	name     string
	address  string
	producer *nsq.Producer

	mutex sync.Mutex
	lines []string
}

func (s *scenario) saw(format string, args ...interface{}) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lines = append(s.lines, s.name+": "+fmt.Sprintf(format, args...)+"\n")
}

func (s *scenario) sawMessage(m *nsq.Message) {
	s.saw("%s, attempt %d", m.Body, m.Attempts)
}

// sawHeldBack notes whether a message arrived at least `least` after `start`, and not unreasonably late.
func (s *scenario) sawHeldBack(m *nsq.Message, start time.Time, least time.Duration) {
	s.saw("%s, attempt %d, after %d ms: %s", m.Body, m.Attempts, least.Milliseconds(), heldBack(start, least))
}

func heldBack(start time.Time, least time.Duration) string {
	elapsed := time.Since(start)
	if elapsed < least || elapsed > least+patience {
		return fmt.Sprintf("no, %d ms", elapsed.Milliseconds())
	}
	return "yes"
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func reply(err error) string {
	if err != nil {
		return err.Error()
	}
	return "OK"
}

func (s *scenario) pub(body string) {
	s.saw("PUB %s: %s", body, reply(s.producer.Publish(s.name, []byte(body))))
}

func (s *scenario) mpub(bodies ...string) {
	s.saw("MPUB %s: %s", strings.Join(bodies, " "), reply(s.producer.MultiPublish(s.name, toBytes(bodies))))
}

func (s *scenario) dpub(delay time.Duration, body string) {
	s.saw("DPUB %s %d ms: %s", body, delay.Milliseconds(),
		reply(s.producer.DeferredPublish(s.name, delay, []byte(body))))
}

func toBytes(bodies []string) [][]byte {
	all := make([][]byte, len(bodies))
	for i, body := range bodies {
		all[i] = []byte(body)
	}
	return all
}

// config is go-nsq's default configuration with the changes that most scenarios need.
func config(maxInFlight int, msgTimeout time.Duration) *nsq.Config {
	c := nsq.NewConfig()
	c.MaxInFlight = maxInFlight
	c.MsgTimeout = msgTimeout
	return c
}

// Output gets go-nsq's log lines. Only these show an error frame that a consumer received.
func (s *scenario) Output(_ int, line string) error {
	if i := strings.Index(line, "protocol error - "); i >= 0 {
		s.saw("error: %s", line[i+len("protocol error - "):])
	}
	return nil
}

// consume makes a go-nsq Consumer that passes its messages to a Go channel; the scenario answers them.
func (s *scenario) consume(channel string, c *nsq.Config) (<-chan *nsq.Message, *nsq.Consumer) {
	messages := make(chan *nsq.Message, 10001)
	consumer, err := nsq.NewConsumer(s.name, channel, c)
	must(err)
	consumer.SetLogger(s, nsq.LogLevelError)
	consumer.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		m.DisableAutoResponse()
		messages <- m
		return nil
	}))
	must(consumer.ConnectToNSQD(s.address))
	return messages, consumer
}

// A subscriber is a plain go-nsq connection. It shows what a Consumer hides: replies, heartbeats, CLS.
type subscriber struct {
	scenario   *scenario
	conn       *nsq.Conn
	identified *nsq.IdentifyResponse
	messages   chan *nsq.Message
	replies    chan string
	heartbeats chan bool
}

// subscribe returns when nsqd has answered SUB.
func (s *scenario) subscribe(channel string, c *nsq.Config) *subscriber {
	sub := &subscriber{
		scenario:   s,
		messages:   make(chan *nsq.Message, 100),
		replies:    make(chan string, 100),
		heartbeats: make(chan bool, 100),
	}
	sub.conn = nsq.NewConn(s.address, c, sub)
	var err error
	sub.identified, err = sub.conn.Connect()
	must(err)
	must(sub.conn.WriteCommand(nsq.Subscribe(s.name, channel)))
	if answer := <-sub.replies; answer != "OK" {
		s.saw("SUB: %s", answer)
	}
	must(sub.conn.WriteCommand(nsq.Ready(c.MaxInFlight)))
	return sub
}

func (sub *subscriber) OnResponse(_ *nsq.Conn, data []byte)       { sub.replies <- string(data) }
func (sub *subscriber) OnError(_ *nsq.Conn, data []byte)          { sub.scenario.saw("error: %s", data) }
func (sub *subscriber) OnMessage(_ *nsq.Conn, m *nsq.Message)     { sub.messages <- m }
func (sub *subscriber) OnMessageFinished(*nsq.Conn, *nsq.Message) {}
func (sub *subscriber) OnMessageRequeued(*nsq.Conn, *nsq.Message) {}
func (sub *subscriber) OnBackoff(*nsq.Conn)                       {}
func (sub *subscriber) OnContinue(*nsq.Conn)                      {}
func (sub *subscriber) OnResume(*nsq.Conn)                        {}
func (sub *subscriber) OnIOError(c *nsq.Conn, err error)          { c.Close() }
func (sub *subscriber) OnHeartbeat(*nsq.Conn)                     { sub.heartbeats <- true }
func (sub *subscriber) OnClose(*nsq.Conn)                         {}

// run gives a scenario its producer and its deadline, and returns what it saw.
func run(name, address string, body func(*scenario)) string {
	s := &scenario{name: name, address: address}
	done := make(chan bool)
	go func() {
		defer close(done)
		defer func() {
			if reason := recover(); reason != nil {
				s.saw("failed: %v", reason)
			}
		}()
		var err error
		s.producer, err = nsq.NewProducer(address, nsq.NewConfig())
		must(err)
		s.producer.SetLogger(s, nsq.LogLevelError)
		body(s)
	}()
	select {
	case <-done:
	case <-time.After(deadline):
		s.saw("no end within %d s", int(deadline.Seconds()))
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Join(s.lines, "")
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go-nsq HOST PORT | go-nsq transfer JOB | go-nsq discover JOB")
		os.Exit(2)
	}
	if os.Args[1] == "transfer" {
		transfer(os.Args[2])
		return
	}
	if os.Args[1] == "discover" {
		discover(os.Args[2])
		return
	}
	address := net.JoinHostPort(os.Args[1], os.Args[2])
	var all sync.WaitGroup
	for name, body := range scenarios {
		all.Add(1)
		go func(name string, body func(*scenario)) {
			defer all.Done()
			fmt.Print(run(name, address, body))
		}(name, body)
	}
	all.Wait()
}
