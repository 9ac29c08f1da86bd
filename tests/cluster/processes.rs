//! Killed, frozen and thawed, asked to end, started with something of its own.

use std::{
    fs,
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use kefu_tests::cluster::{Cluster, get};

const READY: Duration = Duration::from_secs(60);
const NAME: &str = "ticketing-2";

fn url(cluster: &Cluster) -> String {
    cluster.urls(1).service("ticketing").to_owned()
}

fn listens(cluster: &Cluster) -> bool {
    TcpStream::connect(url(cluster).trim_start_matches("http://")).is_ok()
}

pub fn check(cluster: &Cluster) {
    let live = url(cluster) + "/health/live";
    let first = cluster.pid(NAME).unwrap();
    assert!(cluster.is_running(NAME) && !cluster.exited(NAME));
    assert!(cluster.start_service(NAME, &[]).is_err(), "it runs already");
    assert!(cluster.memory_kb(NAME) > 5_000, "{}", cluster.memory_kb(NAME));

    cluster.freeze(NAME);
    let ticks = cluster.cpu_ticks(NAME);
    assert!(ticks > 0);
    assert!(get(&live, Duration::from_millis(700)).is_err(), "a frozen process answered");
    assert_eq!(cluster.cpu_ticks(NAME), ticks, "a frozen process worked");
    assert!(cluster.is_running(NAME));
    cluster.thaw(NAME);
    assert_eq!(get(&live, Duration::from_secs(10)).unwrap().0, 200);
    assert_eq!(cluster.pid(NAME), Some(first));

    let begun = Instant::now();
    cluster.kill(NAME);
    let killed = begun.elapsed();
    assert!(!cluster.is_running(NAME) && cluster.exited(NAME) && cluster.pid(NAME).is_none());
    assert!(!listens(cluster) && !fs::exists(format!("/proc/{first}/exe")).unwrap());
    assert_eq!((cluster.memory_kb(NAME), cluster.cpu_ticks(NAME)), (0, 0));
    cluster.kill(NAME);
    let begun = Instant::now();
    cluster.start_service(NAME, &[("KEFU_MARK", "only this life")]).unwrap();
    let lives = begun.elapsed();
    cluster.wait_ready(NAME, READY).unwrap();
    println!("kill {killed:.1?}, live after {lives:.1?}, ready after {:.1?}", begun.elapsed());
    let environment = |name| {
        let path = format!("/proc/{}/environ", cluster.pid(name).unwrap());
        String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
    };
    assert!(environment(NAME).contains("KEFU_MARK=only this life"));

    // Frozen as well: it is killed where it stands.
    cluster.freeze(NAME);
    cluster.kill(NAME);
    cluster.start_service(NAME, &[]).unwrap();
    assert!(!environment(NAME).contains("KEFU_MARK"));

    let took = cluster.terminate(NAME).unwrap();
    println!("ended in order in {took:.1?}");
    assert!(cluster.exited(NAME) && !listens(cluster));
    assert_eq!(cluster.terminate(NAME).unwrap(), Duration::ZERO);
    cluster.start_service(NAME, &[]).unwrap();
    cluster.wait_ready(NAME, READY).unwrap();
    assert!(fs::read_to_string(cluster.log_of(NAME)).is_ok());
    // A life that ends by itself is told, with its last words.
    cluster.kill(NAME);
    let refused = cluster.start_service(NAME, &[("KEFU__HTTP__LISTEN", "nowhere")]).unwrap_err();
    assert!(refused.contains("listen") && cluster.exited(NAME), "{refused}");
    cluster.start_service(NAME, &[]).unwrap();
    sleep(Duration::from_millis(10));
    cluster.wait_ready(NAME, READY).unwrap();
}
