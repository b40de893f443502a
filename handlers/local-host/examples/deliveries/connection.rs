//! Connections that stay open. No client of HTTP is used: what it takes, servers on the same processors would lack.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer may have so many bytes.
const ANSWER_BYTES_MAX: usize = 16 << 10;

type Failure = Box<dyn Error + Send + Sync>;

/// Sends `requests` over so many connections, and waits for each answer. Returns how long each took; an answer other than 2xx is an error.
pub async fn drive(
    server: SocketAddr,
    connections: usize,
    requests: Vec<Vec<u8>>,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let share = requests.len().div_ceil(connections).max(1);
    let mut requests = requests.into_iter();
    let tasks: Vec<_> =
        (0..connections).map(|_| tokio::spawn(send_all(server, requests.by_ref().take(share).collect()))).collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await?.map_err(|error| error.to_string())?);
    }
    Ok(waits)
}

async fn send_all(server: SocketAddr, requests: Vec<Vec<u8>>) -> Result<Vec<Duration>, Failure> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (mut waits, mut answer) = (Vec::with_capacity(requests.len()), vec![0; ANSWER_BYTES_MAX]);
    for request in requests {
        let began = Instant::now();
        stream.write_all(&request).await?;
        let bytes = receive(&mut stream, &mut answer).await?;
        waits.push(began.elapsed());
        if !answer.starts_with(b"HTTP/1.1 2") {
            return Err(String::from_utf8_lossy(&answer[..bytes]).into_owned().into());
        }
    }
    Ok(waits)
}

/// Reads one answer, whose length has to be told. Returns how many bytes it has.
async fn receive(stream: &mut TcpStream, answer: &mut [u8]) -> Result<usize, Failure> {
    let mut read = 0;
    loop {
        match stream.read(&mut answer[read..]).await? {
            0 => return Err("the server hung up, or its answer is too long".into()),
            bytes => read += bytes,
        }
        if length(&answer[..read])?.is_some_and(|length| read >= length) {
            return Ok(read);
        }
    }
}

/// How long the answer will be that begins so. `None`: its headers are not all there.
fn length(answer: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(headers) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let lines = std::str::from_utf8(&answer[..headers])?.lines();
    let length =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.ok_or("the server does not tell the length of its answer")?;
    Ok(Some(headers + 4 + length.trim().parse::<usize>()?))
}
