//! A TCP flow of the kernel's on the relay's links: what comes out of one TUN device, in a network
//! namespace, travels like the datagrams do and comes into another TUN device here, and back.
//!
//! A queueing discipline of the kernel's could shape both as well, but would be a second model beside
//! ours, and has neither delay nor loss.

use super::network::Way;
use anyhow::{Context, Result, ensure};
use std::process::Command;
use tokio_tun::Tun;

/// As Ethernet has it.
const MTU: i32 = 1_500;

/// Where a flow of the kernel's comes out of a namespace and into this one.
#[derive(Debug, Clone)]
pub struct Tunnel {
    /// Names the namespace and, with a letter more, the devices.
    name: String,
    /// The first three bytes of the addresses.
    network: String,
}

/// The devices of a tunnel. The namespace goes with them.
pub struct Devices {
    here: Tun,
    far: Tun,
    name: String,
}

impl Tunnel {
    /// A tunnel of a name that no other process uses.
    pub fn new() -> Tunnel {
        let number = std::process::id();
        Tunnel { name: format!("lq{number}"), network: format!("10.214.{}", number % 250) }
    }

    /// The address behind the relay's links.
    pub fn far(&self) -> String {
        format!("{}.2", self.network)
    }

    /// A command that runs at the far end.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Makes devices and namespace; needs the rights of an administrator.
    pub fn open(self) -> Result<Devices> {
        let device = |letter: &str| -> Result<Tun> {
            let name = format!("{}{letter}", self.name);
            let mut made = Tun::builder().name(&name).mtu(MTU).build().context("no TUN device")?;
            made.pop().context("no TUN device")
        };
        ip(&["netns", "add", &self.name])?;
        let name = self.name.clone();
        let (here, far) = (device("h"), device("f"));
        // From here on a failure takes the namespace away again.
        let devices = Devices { here: here?, far: far?, name };
        let (near_name, far_name) = (devices.here.name(), devices.far.name());
        let [near, far] = [1, 2].map(|host| format!("{}.{host}/24", self.network));
        ip(&["address", "add", &near, "dev", near_name])?;
        ip(&["link", "set", near_name, "up"])?;
        ip(&["link", "set", far_name, "netns", &self.name])?;
        ip(&["-n", &self.name, "address", "add", &far, "dev", far_name])?;
        ip(&["-n", &self.name, "link", "set", far_name, "up"])?;
        Ok(devices)
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        if let Err(error) = ip(&["netns", "delete", &self.name]) {
            eprintln!("{error:#}");
        }
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("cannot run ip")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), said.trim());
    Ok(())
}

/// The next packet of a flow, its direction and length; never comes where there is no tunnel.
pub(super) async fn receive(
    devices: &Option<Devices>,
    buffer: &mut [u8],
) -> std::io::Result<(Way, usize)> {
    let Some(Devices { here, far, .. }) = devices else { return std::future::pending().await };
    let mut back = [0; MTU as usize];
    tokio::select! {
        len = far.recv(buffer) => Ok((Way::Down, len?)),
        len = here.recv(&mut back) => {
            let len = len?;
            buffer[..len].copy_from_slice(&back[..len]);
            Ok((Way::Up, len))
        }
    }
}

/// Takes a packet out at the end of its direction.
pub(super) async fn send(
    devices: &Option<Devices>,
    way: Way,
    bytes: &[u8],
) -> std::io::Result<usize> {
    let Some(Devices { here, far, .. }) = devices else { return Ok(0) };
    match way {
        Way::Up => far.send(bytes).await,
        Way::Down => here.send(bytes).await,
    }
}
