//! A consumer for tests/interop/cluster: finds the nsqds of a topic through nsqlookupds, and prints each message. It runs
//! until it is ended, 3 minutes at most.
//!
//!     discover JOB

use std::time::Duration;
use tokio_nsq::*;

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let job: serde_json::Value = serde_json::from_str(&std::env::args().nth(1).unwrap()).unwrap();
    let lookups = job["Lookups"].as_array().unwrap().iter().map(|a| format!("http://{}", text(a))).collect();
    let topic = NSQTopic::new(text(&job["Topic"])).unwrap();
    let channel = NSQChannel::new(text(&job["Channel"])).unwrap();
    let mut consumer = NSQConsumerConfig::new(topic, channel)
        .set_max_in_flight(10)
        .set_sources(NSQConsumerConfigSources::Lookup(
            NSQConsumerLookupConfig::new().set_poll_interval(Duration::from_secs(1)).set_addresses(lookups),
        ))
        .set_shared(NSQConfigShared::new().set_flush_interval(Duration::from_millis(10)))
        .build();
    let forward = async {
        while let Some(message) = consumer.consume_filtered().await {
            println!("got {}", String::from_utf8_lossy(&message.body));
            message.finish().await
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(180), forward).await;
    std::process::exit(1)
}
