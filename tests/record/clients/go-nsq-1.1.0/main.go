// The go-nsq client: runs one scenario of ../../README.md against one nsqd.
//
//	client SCENARIO HOST PORT
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nsqio/go-nsq"
)

const topic = "topic"

var address, scenario string

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// What the scenario asks for in IDENTIFY, or sends with AUTH.
func speak(c *nsq.Config, who string) *nsq.Config {
	c.TlsV1 = strings.HasPrefix(scenario, "tls")
	c.TlsConfig = &tls.Config{InsecureSkipVerify: true}
	c.Snappy = strings.HasSuffix(scenario, "snappy")
	if c.Deflate = strings.HasSuffix(scenario, "deflate"); c.Deflate {
		c.DeflateLevel = 3
	}
	if scenario == "auth" { // the auth server answers a secret with itself
		c.AuthSecret = `{"ttl":60,"identity":"go-nsq-1.1.0 ` + who + `","identity_url":"","authorizations":` +
			`[{"topic":".*","channels":[".*"],"permissions":["publish","subscribe"]}]}`
	}
	return c
}

func newProducer() *nsq.Producer {
	producer, err := nsq.NewProducer(address, speak(nsq.NewConfig(), "producer"))
	must(err)
	return producer
}

func publish(producer *nsq.Producer, bodies ...string) {
	for _, body := range bodies {
		must(producer.Publish(topic, []byte(body)))
	}
}

func config() *nsq.Config {
	c := nsq.NewConfig()
	c.LookupdPollInterval = 100 * time.Millisecond // it connects again after this time
	return speak(c, "consumer")
}

// A consumer passes its messages to a Go channel; the scenario answers them.
type consumer struct {
	*nsq.Consumer
	messages chan *nsq.Message
}

func consume(channel string, c *nsq.Config) *consumer {
	inner, err := nsq.NewConsumer(topic, channel, c)
	must(err)
	got := &consumer{inner, make(chan *nsq.Message, 100)}
	inner.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		m.DisableAutoResponse()
		got.messages <- m
		return nil
	}))
	must(inner.ConnectToNSQD(address))
	return got
}

func (c *consumer) take(body string, attempts uint16) *nsq.Message {
	m := <-c.messages
	if string(m.Body) != body || m.Attempts != attempts {
		panic(fmt.Sprintf("got %s, attempt %d", m.Body, m.Attempts))
	}
	return m
}

func (c *consumer) stop() {
	c.Stop()
	<-c.StopChan
}

func settle() { time.Sleep(400 * time.Millisecond) }

// One message is published and consumed over what was negotiated.
func talk() {
	producer := newProducer()
	publish(producer, "one")
	c := consume("channel", config())
	c.take("one", 1).Finish()
	settle()
	c.stop()
	producer.Stop()
}

var scenarios = map[string]func(){
	"publish": func() {
		producer := newProducer()
		publish(producer, "one")
		must(producer.MultiPublish(topic, [][]byte{[]byte("two"), []byte("three")}))
		must(producer.DeferredPublish(topic, 100*time.Millisecond, []byte("later")))
		producer.Stop()
	},
	"consume": func() {
		producer := newProducer()
		publish(producer, "one", "two", "three")
		c := consume("channel", config())
		for _, body := range []string{"one", "two", "three"} {
			c.take(body, 1).Finish()
		}
		settle()
		c.stop()
		producer.Stop()
	},
	"requeue": func() {
		producer := newProducer()
		publish(producer, "again")
		c := consume("channel", config())
		c.take("again", 1).RequeueWithoutBackoff(0)
		c.take("again", 2).RequeueWithoutBackoff(300 * time.Millisecond)
		c.take("again", 3).Finish()
		settle()
		c.stop()
		producer.Stop()
	},
	"touch": func() {
		producer := newProducer()
		publish(producer, "slow")
		patient := config()
		patient.MsgTimeout = time.Second
		c := consume("channel", patient)
		m := c.take("slow", 1)
		for i := 0; i < 2; i++ {
			time.Sleep(700 * time.Millisecond)
			m.Touch()
		}
		time.Sleep(700 * time.Millisecond)
		m.Finish()
		settle()
		c.stop()
		producer.Stop()
	},
	"timeout": func() {
		producer := newProducer()
		publish(producer, "forgotten")
		impatient := config()
		impatient.MsgTimeout = time.Second
		c := consume("channel", impatient)
		c.take("forgotten", 1)
		c.take("forgotten", 2).Finish()
		settle()
		c.Stop() // it does not end: go-nsq still counts the first message as in flight
		settle()
		producer.Stop()
	},
	"channels": func() {
		producer := newProducer()
		left := consume("left", config())
		settle()
		right := consume("right", config())
		settle()
		publish(producer, "one", "two")
		for _, body := range []string{"one", "two"} {
			left.take(body, 1).Finish()
			right.take(body, 1).Finish()
		}
		settle()
		left.stop()
		right.stop()
		producer.Stop()
	},
	"close": func() {
		producer := newProducer()
		publish(producer, "held", "left")
		c := consume("channel", config())
		held := c.take("held", 1)
		c.Stop()
		settle()
		held.Finish()
		<-c.StopChan
		producer.Stop()
	},
	"reconnect": func() {
		producer := newProducer()
		publish(producer, "lost")
		producer.Stop()
		settle()
		impatient := config()
		impatient.MsgTimeout = time.Second // nsqd delivers a message that was in flight again after its timeout
		c := consume("channel", impatient)
		m := c.take("lost", 1)
		fmt.Println("cut")
		settle()
		m.Finish() // before that go-nsq does not connect again
		c.take("lost", 2).Finish()
		settle()
		c.stop()
	},
}

func main() {
	address = net.JoinHostPort(os.Args[2], os.Args[3])
	scenario = os.Args[1]
	if run := scenarios[scenario]; run != nil {
		run()
	} else {
		talk()
	}
}
