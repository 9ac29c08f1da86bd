//! What librdkafka tells of itself, as metrics: brokers, round trips, queues, errors, assignments.

use std::sync::LazyLock;

use meter::{Counter, Gauge};
use prometheus_client::encoding::EncodeLabelSet;
use rdkafka::{Statistics, error::KafkaError};

use crate::metrics::{self, Kind};

/// How often librdkafka is asked.
pub(super) const INTERVAL_MS: &str = "10000";

/// A process has one producer for all of its services, and a consumer for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Client {
    service: String,
    client: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Latency {
    service: String,
    client: &'static str,
    quantile: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    service: String,
    client: &'static str,
    error_type: String,
}

static BROKERS: LazyLock<Gauge<Client>> =
    LazyLock::new(|| meter::gauge("kefu_kafka_brokers_up", "Brokers with a connection that works"));

static LATENCY: LazyLock<Gauge<Latency>> = LazyLock::new(|| {
    meter::gauge(
        "kefu_kafka_request_latency_seconds",
        "Round trip to the slowest broker in the last interval",
    )
});

static QUEUE: LazyLock<Gauge<Client>> = LazyLock::new(|| {
    meter::gauge("kefu_kafka_queue_messages", "Messages in the producer's queue, not acknowledged")
});

static ERRORS: LazyLock<Counter<Failed>> = LazyLock::new(|| {
    meter::counter("kefu_kafka_client_errors", "Errors that librdkafka reported, by its code")
});

/// Whose client tells.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    service: String,
    client: &'static str,
}

impl Teller {
    /// The process's producer, which all services share.
    pub(super) fn producer() -> Self {
        Self::new(String::new(), "producer")
    }

    pub(super) fn consumer(group: &str) -> Self {
        let service = group.strip_prefix("kefu-").unwrap_or(group);
        Self::new(service.to_owned(), "consumer")
    }

    fn new(service: String, client: &'static str) -> Self {
        let this = Self { service, client };
        meter::declare(&ERRORS, &this.failed("AllBrokersDown".to_owned()));
        this
    }

    fn failed(&self, error_type: String) -> Failed {
        Failed { service: self.service.clone(), client: self.client, error_type }
    }

    pub(super) fn failure(&self, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        let error_type = code.map_or_else(|| "other".to_owned(), |code| format!("{code:?}"));
        ERRORS.get_or_create(&self.failed(error_type)).inc();
    }

    pub(super) fn statistics(&self, told: &Statistics) {
        let client = Client { service: self.service.clone(), client: self.client };
        // A broker without an id is the address that the client was started with.
        let brokers: Vec<_> = told.brokers.values().filter(|b| b.nodeid >= 0).collect();
        let up = brokers.iter().filter(|b| b.state == "UP").count();
        BROKERS.get_or_create(&client).set(up as f64);
        let windows = || brokers.iter().filter_map(|b| b.rtt.as_ref());
        for (quantile, micros) in
            [("0.5", windows().map(|w| w.p50).max()), ("0.99", windows().map(|w| w.p99).max())]
        {
            let labels = Latency { service: self.service.clone(), client: self.client, quantile };
            LATENCY.get_or_create(&labels).set(micros.unwrap_or(0) as f64 / 1e6);
        }
        if self.client == "producer" {
            QUEUE.get_or_create(&client).set(told.msg_cnt as f64);
        }
        if let Some(group) = &told.cgrp {
            let service = metrics::Service { service: self.service.clone() };
            metrics::ASSIGNED.get_or_create(&service).set(f64::from(group.assignment_size));
        }
    }

    pub(super) fn rebalance(&self, kind: &'static str) {
        let labels = Kind { service: self.service.clone(), kind };
        metrics::REBALANCES.get_or_create(&labels).inc();
    }
}
