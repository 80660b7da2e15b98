//! The call in the browsers: a plan for the script that drives them, and what the script says.

use super::server::Peer;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The script, from the repository's root.
const SCRIPT: &str = "web/tests/quality/call.js";
/// How long browsers may take until everybody sees everything.
const READY: Duration = Duration::from_secs(90);
/// How long it may take to write down what was seen.
const REPORT: Duration = Duration::from_secs(120);
/// Browsers give way to the relay and the server, whose delays are what is measured.
const NICENESS: &str = "5";

/// What the people do.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Whose server it is.
    pub peer: Peer,
    /// The server.
    pub origin: String,
    /// Where the script writes.
    pub folder: PathBuf,
    /// What the camera sees.
    pub camera_file: PathBuf,
    /// Who publishes.
    pub presenter: Presenter,
    /// Who receives from the beginning.
    pub viewers: Vec<Viewer>,
    /// What happens after the beginning.
    pub actions: Vec<Action>,
    /// How long it goes on after the beginning, in milliseconds.
    pub length_ms: u64,
}

/// What is published, and the way to the server that is used.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Presenter {
    pub way: Option<SocketAddr>,
    pub microphone: bool,
    pub camera: Option<Camera>,
    pub screen: Option<Screen>,
}

/// A camera, and how it is published: options of LiveKit's client.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Camera {
    pub width: usize,
    pub height: usize,
    pub frame_rate: usize,
    pub options: serde_json::Value,
}

/// A shared tab with a slide of words, and how it is captured and published.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Screen {
    pub words: Vec<&'static str>,
    pub has_motion: bool,
    pub capture: serde_json::Value,
    pub publish: serde_json::Value,
}

/// A viewer by name, and the way to the server that it uses.
#[derive(Debug, Clone, Serialize)]
pub struct Viewer {
    /// The name, as in the report.
    pub name: &'static str,
    /// The way.
    pub way: SocketAddr,
}

/// Something that happens at a time after the beginning.
#[derive(Debug, Clone, Serialize)]
pub struct Action {
    /// Milliseconds after the beginning.
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub act: Act,
}

/// What can happen.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Act {
    /// The presenter shows another slide.
    Slide { words: Vec<&'static str> },
    /// A viewer comes; by which way is known only when everything runs.
    View { name: &'static str, way: Option<SocketAddr> },
    /// A viewer asks for `LOW`, `MEDIUM` or `HIGH`.
    Want { who: &'static str, source: &'static str, quality: &'static str },
    /// A viewer keeps pictures.
    Keep {
        who: &'static str,
        source: &'static str,
        name: &'static str,
        from: u64,
        until: u64,
        every: u64,
    },
}

/// What the script says.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Said {
    Presented,
    Ready { links: Option<Links> },
    Seen { file: PathBuf },
    Failed { error: String },
    Uncaught { who: String, error: String },
    Console { who: String, text: String },
}

/// Ways into the meeting for clients that are no browsers.
#[derive(Debug, Clone, Deserialize)]
pub struct Links {
    /// To watch.
    pub viewer: String,
    /// To present.
    pub presenter: String,
}

/// A call that is under way; the browsers end when it is dropped.
pub struct Call {
    process: Child,
    input: Option<ChildStdin>,
    said: mpsc::Receiver<String>,
}

impl Call {
    /// Starts browsers and waits until the presenter has published everything.
    pub fn start(repository: &Path, plan: &Plan) -> Result<Call> {
        let mut command = Command::new("nice");
        command.args(["-n", NICENESS, "node"]).arg(repository.join(SCRIPT));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot run node")?;
        let output = process.stdout.take().context("no pipe")?;
        let (tell, said) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.for_each(|line| drop(tell.send(line)));
        });
        let input = process.stdin.take();
        let mut call = Call { process, input, said };
        call.tell(&serde_json::to_string(plan)?)?;
        match call.hear(READY)? {
            Said::Presented => Ok(call),
            other => bail!("the script says {other:?}"),
        }
    }

    /// Waits until everybody sees everything; gives the links, where the server has any.
    pub fn ready(&mut self) -> Result<Option<Links>> {
        match self.hear(READY)? {
            Said::Ready { links } => Ok(links),
            other => bail!("the script says {other:?}"),
        }
    }

    /// Begins what the plan says at a time, in milliseconds since 1970.
    pub fn begin(&mut self, at_ms: f64) -> Result<()> {
        self.tell(&serde_json::json!({ "t0": at_ms }).to_string())
    }

    /// Waits for the end, and gives the file in which everything stands.
    pub fn end(mut self, length: Duration) -> Result<PathBuf> {
        match self.hear(length + REPORT)? {
            Said::Seen { file } => Ok(file),
            other => bail!("the script says {other:?}"),
        }
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("no pipe")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    fn hear(&mut self, patience: Duration) -> Result<Said> {
        loop {
            let line = self.said.recv_timeout(patience).context("the script is silent")?;
            match serde_json::from_str(&line).with_context(|| format!("the script says {line}"))? {
                Said::Failed { error } => bail!("in the browsers: {error}"),
                Said::Uncaught { who, error } => eprintln!("{who}: {error}"),
                // Scripts of the server's own page are left out, and it says so.
                Said::Console { text, .. } if text.contains("ERR_FAILED") => {}
                Said::Console { who, text } => eprintln!("{who}: {text}"),
                said => return Ok(said),
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Without input the script waits for nothing any more; it has ended already where all went well.
        self.input = None;
        if self.process.try_wait().ok().flatten().is_none() {
            std::thread::sleep(Duration::from_millis(500));
            let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        }
        let _ = self.process.wait();
    }
}
