//! The tokio-nsq client: runs one scenario of ../../README.md against one nsqd.
//!
//!     record-tokio-nsq SCENARIO HOST:PORT

use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_nsq::*;

fn topic() -> Arc<NSQTopic> {
    NSQTopic::new("topic").unwrap()
}

async fn settle() {
    sleep(Duration::from_millis(400)).await
}

// A short interval, because tokio-nsq delays its output by this time.
fn shared() -> NSQConfigShared {
    NSQConfigShared::new().set_flush_interval(Duration::from_millis(10))
}

struct Producer(NSQProducer);

impl Producer {
    async fn new(address: &str) -> Self {
        let mut inner = NSQProducerConfig::new(address).set_shared(shared()).build();
        match inner.consume().await {
            Some(NSQEvent::Healthy()) => Producer(inner),
            other => panic!("not connected: {:?}", other),
        }
    }

    async fn answered(&mut self) {
        match self.0.consume().await {
            Some(NSQEvent::Ok()) => (),
            other => panic!("not published: {:?}", other),
        }
    }

    async fn publish(&mut self, body: &str) {
        self.0.publish(&topic(), body.into()).await.unwrap();
        self.answered().await
    }
}

async fn producer(address: &str, bodies: &[&str]) -> Producer {
    let mut made = Producer::new(address).await;
    for body in bodies {
        made.publish(body).await
    }
    made
}

fn consume(address: &str, channel: &str) -> NSQConsumer {
    NSQConsumerConfig::new(topic(), NSQChannel::new(channel).unwrap())
        .set_max_in_flight(1)
        .set_sources(NSQConsumerConfigSources::Daemons(vec![address.to_string()]))
        .set_shared(shared())
        .build()
}

async fn take(consumer: &mut NSQConsumer, body: &str, attempts: u16) -> NSQMessage {
    let message = consumer.consume_filtered().await.unwrap();
    if message.body != body.as_bytes() || message.attempt != attempts {
        panic!("got {:?}", message)
    }
    message
}

async fn end<A, B>(first: A, second: B) {
    settle().await;
    drop(first);
    settle().await;
    drop(second);
    settle().await
}

async fn run(scenario: &str, address: &str) {
    match scenario {
        "publish" => {
            let mut p = producer(address, &["one"]).await;
            p.0.publish_multiple(&topic(), vec!["two".into(), "three".into()]).await.unwrap();
            p.answered().await;
            p.0.publish_deferred(&topic(), "later".into(), 100).await.unwrap();
            p.answered().await;
            end(p, ()).await
        }
        "consume" => {
            let p = producer(address, &["one", "two", "three"]).await;
            let mut c = consume(address, "channel");
            for body in ["one", "two", "three"] {
                take(&mut c, body, 1).await.finish().await
            }
            end(c, p).await
        }
        "requeue" => {
            let p = producer(address, &["again"]).await;
            let mut c = consume(address, "channel");
            take(&mut c, "again", 1).await.requeue(NSQRequeueDelay::NoDelay).await;
            let delay = NSQRequeueDelay::CustomDelay(Duration::from_millis(300));
            take(&mut c, "again", 2).await.requeue(delay).await;
            take(&mut c, "again", 3).await.finish().await;
            end(c, p).await
        }
        "touch" => {
            let p = producer(address, &["slow"]).await;
            let mut c = consume(address, "channel");
            let m = take(&mut c, "slow", 1).await;
            for _ in 0..2 {
                sleep(Duration::from_millis(700)).await;
                m.touch().await
            }
            sleep(Duration::from_millis(700)).await;
            m.finish().await;
            end(c, p).await
        }
        "timeout" => {
            let p = producer(address, &["forgotten"]).await;
            let mut c = consume(address, "channel");
            let first = take(&mut c, "forgotten", 1).await;
            take(&mut c, "forgotten", 2).await.finish().await;
            end(c, p).await;
            drop(first)
        }
        "channels" => {
            let mut p = producer(address, &[]).await;
            let mut left = consume(address, "left");
            settle().await;
            let mut right = consume(address, "right");
            settle().await;
            p.publish("one").await;
            p.publish("two").await;
            for body in ["one", "two"] {
                take(&mut left, body, 1).await.finish().await;
                take(&mut right, body, 1).await.finish().await
            }
            end(left, right).await;
            end(p, ()).await
        }
        "close" => {
            let p = producer(address, &["held", "left"]).await;
            let mut c = consume(address, "channel");
            let held = take(&mut c, "held", 1).await;
            end(c, ()).await;
            end(p, ()).await;
            drop(held) // to finish it would panic
        }
        "reconnect" => {
            end(producer(address, &["lost"]).await, ()).await;
            let mut c = consume(address, "channel");
            let lost = take(&mut c, "lost", 1).await;
            println!("cut");
            take(&mut c, "lost", 2).await.finish().await;
            end(c, ()).await;
            drop(lost)
        }
        _ => panic!("no such scenario"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    run(&args[1], &args[2]).await;
    std::process::exit(0) // without waiting for the library
}
