//! The connection of a media stream to its far end (RFC 6455), in a thread of its own.
#![allow(unsafe_code)]

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use tungstenite::client::client_with_config;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::Uri;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

/// How long connecting may take: to each address, and the opening handshake.
const CONNECT: Duration = Duration::from_secs(3);
const HANDSHAKE: Duration = Duration::from_secs(3);
/// How long a far end may take nothing that is written before the stream's thread goes on.
const WRITE: Duration = Duration::from_millis(1);
/// Bytes that the kernel holds for a slow far end: half a second to two of sound. More would only be heard late.
const SEND_BUFFER: libc::c_int = 16 * 1024;
/// The longest message from a far end, in bytes: eight seconds at 16 kHz.
const MESSAGE: usize = 256 * 1024;
/// Bytes of text messages that may wait for a slow far end.
const WAITING: usize = 64 * 1024;

pub struct Connection(WebSocket<TcpStream>);

/// What a far end sent.
#[derive(Debug)]
pub enum Received {
    Sound(Vec<i16>),
    Text(String),
    /// It lives.
    Sign,
    Nothing,
}

/// Why a connection is gone.
pub type Gone = String;

impl Connection {
    /// Connect and shake hands. `stopping` is asked now and then. The reason when nothing comes of it.
    pub fn open(url: &str, stopping: impl Fn() -> bool) -> Result<Self, Gone> {
        let uri: Uri = url.parse().map_err(|_| format!("{url:?} is no URL"))?;
        if uri.scheme_str() != Some("ws") {
            return Err("only ws:// is spoken".to_owned());
        }
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(80);
        let stream = connect(host, port)
            .map_err(|error| format!("{host}:{port} is not reached: {error}"))?;
        let prepare = || -> io::Result<()> {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(WRITE))?;
            stream.set_read_timeout(Some(Duration::from_millis(20)))?;
            limit_send_buffer(&stream)
        };
        prepare().map_err(|error| format!("the connection cannot be used: {error}"))?;
        let configuration = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(WAITING)
            .max_message_size(Some(MESSAGE))
            .max_frame_size(Some(MESSAGE));
        let until = Instant::now() + HANDSHAKE;
        let mut outcome = client_with_config(url, stream, Some(configuration));
        loop {
            match outcome {
                Ok((socket, _)) => return Ok(Self(socket)),
                Err(HandshakeError::Failure(error)) => {
                    return Err(format!("no WebSocket is there: {error}"));
                }
                Err(HandshakeError::Interrupted(_)) if stopping() => {
                    return Err("it was stopped".to_owned());
                }
                Err(HandshakeError::Interrupted(_)) if Instant::now() > until => {
                    return Err("no WebSocket is there: nothing was answered".to_owned());
                }
                Err(HandshakeError::Interrupted(so_far)) => outcome = so_far.handshake(),
            }
        }
    }

    /// Wait for a message until a time.
    pub fn receive(&mut self, until: Instant) -> Result<Received, Gone> {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Some(left.max(Duration::from_millis(1)));
        let set = self.0.get_ref().set_read_timeout(timeout);
        set.map_err(|error| format!("the connection is lost: {error}"))?;
        match self.0.read() {
            Ok(Message::Binary(data)) if data.len() % 2 != 0 => {
                Err("a binary message had half a sample: they have 16 bits".to_owned())
            }
            Ok(Message::Binary(data)) => Ok(Received::Sound(
                data.chunks_exact(2)
                    .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                    .collect(),
            )),
            Ok(Message::Text(text)) => Ok(Received::Text(text.as_str().to_owned())),
            Ok(_) => Ok(Received::Sign),
            Err(error) => soft(error).map(|()| Received::Nothing),
        }
    }

    /// Send sound, unless some that was sent before waits still: whether it was.
    pub fn send_sound(&mut self, data: Vec<u8>) -> Result<bool, Gone> {
        match self.0.flush() {
            Ok(()) => self.send(Message::binary(data)).map(|()| true),
            Err(error) => soft(error).map(|()| false),
        }
    }

    /// The same with a text just before the sound.
    pub fn send_sound_after(&mut self, text: String, data: Vec<u8>) -> Result<bool, Gone> {
        match self.0.flush() {
            Ok(()) => {
                self.send_text(text)?;
                self.send(Message::binary(data)).map(|()| true)
            }
            Err(error) => soft(error).map(|()| false),
        }
    }

    /// Send a text behind all that waits.
    pub fn send_text(&mut self, text: String) -> Result<(), Gone> {
        self.send(Message::text(text))
    }

    pub fn ping(&mut self) -> Result<(), Gone> {
        self.send(Message::Ping(Default::default()))
    }

    /// Say why it ends, and end it as RFC 6455 section 7.1.1 has it, if the far end still takes that.
    pub fn close(mut self, text: String) {
        if self.send_text(text).is_err() || self.0.close(None).is_err() {
            return;
        }
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until && self.receive(until).is_ok() {}
    }

    fn send(&mut self, message: Message) -> Result<(), Gone> {
        match self.0.send(message) {
            Ok(()) => Ok(()),
            Err(error) => soft(error),
        }
    }
}

/// What passes: the far end was not ready within the time, and what was to be sent waits.
fn soft(error: Error) -> Result<(), Gone> {
    match error {
        Error::Io(error) if is_soft(error.kind()) => Ok(()),
        Error::WriteBufferFull(_) => Err("the far end takes nothing".to_owned()),
        Error::ConnectionClosed | Error::AlreadyClosed => {
            Err("the far end has closed the connection".to_owned())
        }
        Error::Io(error) => Err(format!("the connection is lost: {error}")),
        error => Err(format!("the far end broke the protocol: {error}")),
    }
}

fn is_soft(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn limit_send_buffer(stream: &TcpStream) -> io::Result<()> {
    let bytes = SEND_BUFFER;
    // SAFETY: the descriptor is open, and the value an int that lives through the call, of the length given.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_SNDBUF,
            (&raw const bytes).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
