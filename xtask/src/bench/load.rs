//! The load generator: keep-alive connections, one request under way on each, every callback with a body, an id and a
//! signature of its own. It is the same for every server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use sha1::{Digest as _, Sha1};

/// What is sent.
pub(super) struct Plan<'p> {
    /// To whom.
    pub(super) address: SocketAddr,
    /// The path.
    pub(super) path: &'p str,
    /// The client secret.
    pub(super) secret: &'p str,
    /// Connections.
    pub(super) connections: u32,
    /// Bytes of a body.
    pub(super) body: usize,
    /// For how long.
    pub(super) time: Duration,
}

/// What came of it.
pub(super) struct Load {
    /// Callbacks acknowledged.
    pub(super) requests: u64,
    /// From the first to the last.
    pub(super) took: Duration,
    /// Of every callback, in microseconds, sorted.
    pub(super) latencies: Vec<u32>,
}

impl Load {
    /// The latency that so many percent stay below, in microseconds.
    pub(super) fn percentile(&self, percent: usize) -> u32 {
        let place = self.latencies.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
        self.latencies.get(place).copied().unwrap_or_default()
    }
}

/// Numbers every callback of this process, so that no two are the same event.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Sends callbacks until the time is over.
pub(super) fn drive(plan: &Plan<'_>) -> Result<Load> {
    let start = Instant::now();
    let per_connection: Vec<Result<Vec<u32>>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..plan.connections).map(|_| scope.spawn(|| connection(plan, start))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a connection's thread died")))
            .collect()
    });
    let took = start.elapsed();
    let mut latencies: Vec<u32> =
        per_connection.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    latencies.sort_unstable();
    Ok(Load { requests: u64::try_from(latencies.len())?, took, latencies })
}

fn connection(plan: &Plan<'_>, start: Instant) -> Result<Vec<u32>> {
    let stream = TcpStream::connect(plan.address).context("connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut write = stream.try_clone()?;
    let mut read = BufReader::new(stream);
    let mut latencies = Vec::new();
    let mut request = Vec::new();
    while start.elapsed() < plan.time {
        compose(plan, NEXT.fetch_add(1, Ordering::Relaxed), &mut request)?;
        let sent = Instant::now();
        write.write_all(&request)?;
        let status = answer(&mut read)?;
        ensure!(status == 200, "a genuine callback was answered with {status}");
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

/// One signed callback: a text message of a chat, as long as asked for.
fn compose(plan: &Plan<'_>, number: u64, request: &mut Vec<u8>) -> Result<()> {
    let body = body(number, plan.body);
    let signature = hex::encode(Sha1::new().chain_update(plan.secret).chain_update(&body).finalize());
    request.clear();
    write!(
        request,
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nMsg-Id: bench-{number:020}\r\n\
         X-Douyin-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
        plan.path,
        plan.address,
        body.len()
    )?;
    request.extend_from_slice(body.as_bytes());
    Ok(())
}

fn body(number: u64, length: usize) -> String {
    const WORDS: &str = "请问这款沙发什么时候有活动，可以送货到昆山吗？";
    let content = |text: &str| {
        format!(
            "{{\"conversation_short_id\":\"@c{number}==\",\"server_message_id\":\"@m{number:020}==\",\"conversation_type\":1,\
             \"create_time\":1795190400123,\"message_type\":\"text\",\"source\":\"\",\"scene_type\":100,\"text\":\"{text}\",\
             \"user_infos\":[{{\"open_id\":\"u-{number}\",\"nick_name\":\"小昆\",\"avatar\":\"https://p3.douyinpic.com/a.jpeg\"}}]}}"
        )
    };
    let whole = |text: &str| {
        format!(
            "{{\"event\":\"im_receive_msg\",\"client_key\":\"awdemobrand000001\",\"from_user_id\":\"u-{number}\",\
             \"to_user_id\":\"m-1\",\"content\":{},\"log_id\":\"L{number:020}\"}}",
            content(text)
        )
    };
    let room = length.saturating_sub(whole("").len());
    let mut text = WORDS.repeat(room / WORDS.len());
    text.push_str(&"。".repeat((room % WORDS.len()) / "。".len()));
    whole(&text)
}

/// Reads one answer to its end and hands back its status.
fn answer(read: &mut BufReader<TcpStream>) -> Result<u16> {
    let mut line = String::new();
    read.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no HTTP answer: `{}`", line.trim_end()))?;
    let mut length = 0_u64;
    loop {
        line.clear();
        ensure!(read.read_line(&mut line)? > 0, "the answer broke off");
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().context("content-length of an answer")?;
        }
    }
    let copied = std::io::copy(&mut read.by_ref().take(length), &mut std::io::sink())?;
    ensure!(copied == length, "the answer's body broke off");
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_length_asked_for_and_all_different() {
        for number in [1, 99, 1_000_000] {
            let body = body(number, 4_096);
            assert!((4_090..=4_096).contains(&body.len()), "{}", body.len());
            let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(parsed["event"], "im_receive_msg");
        }
        assert_ne!(body(1, 4_096), body(2, 4_096));
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let load = Load { requests: 4, took: Duration::ZERO, latencies: vec![1, 2, 3, 400] };
        assert_eq!((load.percentile(50), load.percentile(99), load.percentile(100)), (2, 400, 400));
        let empty = Load { requests: 0, took: Duration::ZERO, latencies: Vec::new() };
        assert_eq!(empty.percentile(99), 0);
    }
}
