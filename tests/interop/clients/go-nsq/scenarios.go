// The scenarios that ../../expected.txt describes. The other clients have the same scenarios with the same names.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

var scenarios = map[string]func(*scenario){
	"identify":          identify,
	"pub":               pub,
	"mpub":              mpub,
	"dpub":              dpub,
	"requeue":           requeue,
	"touch":             touch,
	"timeout":           timeout,
	"two-channels":      twoChannels,
	"several-consumers": severalConsumers,
	"ephemeral":         ephemeral,
	"cls":               cls,
	"heartbeat":         heartbeat,
	"large":             large,
	"binary":            binary,
	"ten-thousand":      tenThousand,
}

func identify(s *scenario) {
	got := s.subscribe("c", config(1, 0)).identified
	s.saw("max_rdy_count %d", got.MaxRdyCount)
	s.saw("auth_required %t", got.AuthRequired)
	s.saw("tls_v1 %t", got.TLSv1)
	s.saw("deflate %t", got.Deflate)
	s.saw("snappy %t", got.Snappy)
}

func pub(s *scenario) {
	messages, consumer := s.consume("c", config(1, 0))
	s.pub("one")
	s.pub("two")
	s.pub("three")
	for i := 0; i < 3; i++ {
		m := <-messages
		s.sawMessage(m)
		m.Finish()
	}
	consumer.Stop()
	<-consumer.StopChan
}

func mpub(s *scenario) {
	messages, _ := s.consume("c", config(10, 0))
	s.mpub("red", "green", "blue")
	for i := 0; i < 3; i++ {
		m := <-messages
		s.sawMessage(m)
		m.Finish()
	}
}

func dpub(s *scenario) {
	messages, _ := s.consume("c", config(2, 0))
	start := time.Now()
	s.dpub(600*time.Millisecond, "later")
	s.pub("now")
	m := <-messages
	s.sawMessage(m)
	m.Finish()
	m = <-messages
	s.sawHeldBack(m, start, 600*time.Millisecond)
	m.Finish()
}

func requeue(s *scenario) {
	messages, _ := s.consume("c", config(1, 0))
	s.pub("again")
	m := <-messages
	s.sawMessage(m)
	start := time.Now()
	m.RequeueWithoutBackoff(700 * time.Millisecond)
	m = <-messages
	s.sawHeldBack(m, start, 700*time.Millisecond)
	m.RequeueWithoutBackoff(0)
	m = <-messages
	s.sawMessage(m)
	m.Finish()
}

func touch(s *scenario) {
	messages, _ := s.consume("c", config(2, 2*time.Second))
	start := time.Now()
	s.pub("kept")
	s.pub("left")
	kept := <-messages
	s.sawMessage(kept)
	s.sawMessage(<-messages)
	stop := make(chan bool)
	go func() {
		for {
			select {
			case <-time.After(400 * time.Millisecond):
				kept.Touch()
			case <-stop:
				return
			}
		}
	}()
	m := <-messages
	s.sawHeldBack(m, start, 2*time.Second)
	m.Finish()
	time.Sleep(time.Second)
	close(stop)
	kept.Finish()
	s.pub("last")
	m = <-messages
	s.sawMessage(m)
	m.Finish()
}

func timeout(s *scenario) {
	messages, _ := s.consume("c", config(2, 2*time.Second))
	start := time.Now()
	s.pub("finished")
	s.pub("forgotten")
	m := <-messages
	s.sawMessage(m)
	m.Finish()
	s.sawMessage(<-messages)
	m = <-messages
	s.sawHeldBack(m, start, 2*time.Second)
	m.Finish()
	s.pub("last")
	m = <-messages
	s.sawMessage(m)
	m.Finish()
}

func twoChannels(s *scenario) {
	channels := []string{"left", "right"}
	subs := []*subscriber{}
	for _, channel := range channels {
		subs = append(subs, s.subscribe(channel, config(5, 0)))
	}
	s.pub("one")
	s.pub("two")
	var ids [2][2]string
	for i, sub := range subs {
		for j := range ids[i] {
			m := <-sub.messages
			s.saw("%s: %s, attempt %d", channels[i], m.Body, m.Attempts)
			ids[i][j] = string(m.ID[:])
			m.Finish()
		}
	}
	s.saw("same ids in both: %s", yesNo(ids[0] == ids[1]))
}

func severalConsumers(s *scenario) {
	all := make(chan *nsq.Message, 100)
	for i := 0; i < 3; i++ {
		messages, _ := s.consume("c", config(1, 0))
		go func() {
			for m := range messages {
				all <- m
			}
		}()
	}
	s.mpub("a", "b", "c")
	held := []*nsq.Message{<-all, <-all, <-all}
	bodies := []string{}
	for _, m := range held {
		bodies = append(bodies, string(m.Body))
	}
	sort.Strings(bodies)
	s.saw("held at once, by one each: %s", strings.Join(bodies, " "))
	for _, m := range held {
		m.Finish()
	}

	const count = 30
	many := [][]byte{}
	for i := 0; i < count; i++ {
		many = append(many, []byte(fmt.Sprint(i)))
	}
	must(s.producer.MultiPublish(s.name, many))
	s.pub("last")
	seen := map[string]int{}
	for i := 0; i < count+1; i++ {
		m := <-all
		seen[string(m.Body)] += int(m.Attempts)
		m.Finish()
	}
	s.saw("%d more, each once: %s", count+1, eachOnce(seen, count+1))
}

// eachOnce tells whether there are `count` different bodies, each seen once.
func eachOnce(seen map[string]int, count int) string {
	again := 0
	for _, times := range seen {
		if times != 1 {
			again++
		}
	}
	if len(seen) != count || again > 0 {
		return fmt.Sprintf("no, %d came, %d of them again", len(seen), again)
	}
	return "yes"
}

func ephemeral(s *scenario) {
	keeper := s.subscribe("keeper", config(5, 0))
	visitor := s.subscribe("visitor#ephemeral", config(5, 0))
	take := func(who string, sub *subscriber) {
		m := <-sub.messages
		s.saw("%s: %s, attempt %d", who, m.Body, m.Attempts)
		m.Finish()
	}
	s.pub("first")
	take("keeper", keeper)
	take("visitor", visitor)
	visitor.conn.Close()
	time.Sleep(500 * time.Millisecond)
	s.pub("away")
	take("keeper", keeper)
	visitor = s.subscribe("visitor#ephemeral", config(5, 0))
	s.pub("back")
	take("keeper", keeper)
	take("visitor", visitor)
}

func cls(s *scenario) {
	start := time.Now()
	leaver := s.subscribe("c", config(5, 2*time.Second))
	s.pub("held")
	s.pub("dropped")
	held := <-leaver.messages
	s.sawMessage(held)
	dropped := <-leaver.messages
	s.sawMessage(dropped)
	must(leaver.conn.WriteCommand(nsq.StartClose()))
	s.saw("%s", <-leaver.replies)
	s.pub("next")
	select {
	case m := <-leaver.messages:
		s.saw("after CLS: %s", m.Body)
	case <-time.After(500 * time.Millisecond):
		s.saw("after CLS: nothing")
	}
	held.Finish()

	follower := s.subscribe("c", config(5, 0))
	m := <-follower.messages
	s.sawMessage(m)
	m.Finish()
	m = <-follower.messages
	s.sawHeldBack(m, start, 2*time.Second)
	m.Finish()
}

func heartbeat(s *scenario) {
	start := time.Now()
	c := config(1, 0)
	c.HeartbeatInterval = time.Second
	sub := s.subscribe("c", c)
	for i := 0; i < 3; i++ {
		<-sub.heartbeats
	}
	s.saw("3 heartbeats, after 3000 ms: %s", heldBack(start, 3*time.Second))
	s.pub("awake")
	m := <-sub.messages
	s.sawMessage(m)
	m.Finish()
}

func large(s *scenario) {
	messages, _ := s.consume("c", config(1, 0))
	body := make([]byte, 1<<20)
	for i := range body {
		body[i] = byte(i*7 + (i >> 8))
	}
	s.saw("PUB of %d bytes: %s", len(body), reply(s.producer.Publish(s.name, body)))
	m := <-messages
	s.saw("%d bytes, %s, attempt %d", len(m.Body), digest(m.Body), m.Attempts)
	m.Finish()
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256 " + hex.EncodeToString(sum[:])
}

func binary(s *scenario) {
	messages, _ := s.consume("c", config(1, 0))
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	bodies := append([][]byte{everyByte}, toBytes([]string{
		"\x00", "\n", "\r\n", "\x00\x00\x00\x05\x00\x00\x00\x01", "\xff\xfe\xc3\x28", "NOP\nCLS\n"})...)
	for _, body := range bodies {
		s.saw("PUB of %d bytes: %s", len(body), reply(s.producer.Publish(s.name, body)))
	}
	s.saw("MPUB of the same: %s", reply(s.producer.MultiPublish(s.name, bodies)))
	for i := 0; i < 2*len(bodies); i++ {
		m := <-messages
		text := "hex " + hex.EncodeToString(m.Body)
		if len(m.Body) > 16 {
			text = digest(m.Body)
		}
		s.saw("%d bytes, %s, attempt %d", len(m.Body), text, m.Attempts)
		m.Finish()
	}
}

func tenThousand(s *scenario) {
	const count, batch, consumers = 10000, 500, 4
	canaries := make(chan *nsq.Message, 10)
	seen := map[string]int{}
	shares := map[int]int{}
	var mutex sync.Mutex
	for i := 0; i < consumers; i++ {
		messages, _ := s.consume("c", config(50, 5*time.Second))
		go func(consumer int) {
			for m := range messages {
				if string(m.Body) == "canary" {
					canaries <- m
					continue
				}
				mutex.Lock()
				seen[string(m.Body)]++
				shares[consumer]++
				mutex.Unlock()
				m.Finish()
			}
		}(i)
	}
	for first := 0; first < count; first += batch {
		bodies := [][]byte{}
		for i := first; i < first+batch; i++ {
			bodies = append(bodies, []byte(fmt.Sprint(i)))
		}
		must(s.producer.MultiPublish(s.name, bodies))
	}
	canarySent := time.Now()
	s.pub("canary")
	s.sawMessage(<-canaries) // not finished: it times out, as every unfinished message would
	m := <-canaries
	s.sawHeldBack(m, canarySent, 5*time.Second)
	m.Finish()
	time.Sleep(300 * time.Millisecond)
	mutex.Lock()
	defer mutex.Unlock()
	s.saw("%d messages, each once: %s", count, eachOnce(seen, count))
	s.saw("each of %d consumers had some: %s", consumers, yesNo(len(shares) == consumers))
}
