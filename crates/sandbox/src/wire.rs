//! Connections that can be reset in the middle, which a web framework has no word for.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Listens; each connection can be reset from within a handler, by its [`Cord`].
pub struct Wires(pub TcpListener);

/// Pulled, it resets its connection as soon as an answer would be sent.
#[derive(Clone, Debug, Default)]
pub struct Cord(Arc<AtomicBool>);

impl Cord {
    pub fn pull(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub struct Wire {
    stream: TcpStream,
    cord: Cord,
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Answers are small: without this, some wait 40 ms for an acknowledgement.
        let _ = stream.set_nodelay(true);
        (Wire { stream, cord: Cord::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Wires>> for Cord {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().cord.clone()
    }
}

impl Wire {
    fn broken(&self) -> Option<io::Error> {
        if !self.cord.0.load(Ordering::SeqCst) {
            return None;
        }
        // Closed with nothing to linger for, the peer gets a reset and not an orderly end.
        let _ = self.stream.set_zero_linger();
        Some(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.broken() {
            Some(e) => Poll::Ready(Err(e)),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.broken() {
            Some(e) => Poll::Ready(Err(e)),
            None => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}
