//! Runs the real program, once through or until it is told to stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// Longest wait for anything; no test takes a part of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An OTLP receiver on free ports in front of the debug exporter, own metrics on a free port.
pub(crate) const MINIMAL: &str = "\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 127.0.0.1:0}
      http: {endpoint: 127.0.0.1:0}
processors:
  batch:
exporters:
  debug:
service:
  pipelines:
    logs: {receivers: [otlp], processors: [batch], exporters: [debug]}
    traces: {receivers: [otlp], processors: [batch], exporters: [debug]}
    metrics: {receivers: [otlp], processors: [batch], exporters: [debug]}
  telemetry:
    metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}
";

/// A folder with the configurations of one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder for the test"))
    }

    /// Writes a file and returns its name.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("a file of the test");
        name.to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, to be run in this folder with an environment of its own.
    pub(crate) fn pharos<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pharos"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear();
        // Coverage and sanitizers of the build are told where to write by these.
        command.envs(std::env::vars().filter(|(name, _)| name.starts_with("LLVM_")));
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Ended {
        Ended::of(&mut self.pharos(arguments))
    }

    /// `pharos validate` of one text.
    pub(crate) fn validate(&self, config: &str) -> Ended {
        let name = self.file("config.yaml", config);
        self.run(["validate", "--config", &name])
    }
}

/// What a program that has ended said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(command: &mut Command) -> Ended {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ended {
            code: status.code(),
            out: text(stdout),
            err: text(stderr),
        }
    }

    /// Exit code 0 and not a word on stderr.
    #[track_caller]
    pub(crate) fn quietly(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// The lines of a refusal, without the `Error: ` of the first.
    #[track_caller]
    pub(crate) fn mistakes(&self) -> Vec<&str> {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        let errors = self
            .err
            .strip_prefix("Error: ")
            .unwrap_or_else(|| panic!("no error: {self:?}"));
        errors.lines().collect()
    }

    /// Asserts that it was refused with exactly one line, which has all these parts.
    #[track_caller]
    pub(crate) fn refused_with(&self, parts: &[&str]) {
        let mistakes = self.mistakes();
        assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
        for part in parts {
            assert!(
                mistakes[0].contains(part),
                "{part:?} is missing in: {}",
                mistakes[0]
            );
        }
    }
}

/// A collector at work. Killed when dropped.
pub(crate) struct Collector {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Collector {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Collector {
        let mut collector = Collector::spawn(command);
        collector.wait_for("Everything is ready. Begin running and processing data.");
        collector
    }

    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> Collector {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = channel();
        let stderr = child.stderr.take().expect("stderr is piped");
        thread::spawn(move || {
            let lines = BufReader::new(stderr).lines().map_while(Result::ok);
            lines
                .map_while(|line| sender.send(line).ok())
                .for_each(drop);
        });
        Collector {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The first line of the log that holds all of `parts`, from the start on.
    #[track_caller]
    pub(crate) fn wait_for_all(&mut self, parts: &[&str]) -> String {
        let is_it = |line: &String| parts.iter().all(|part| line.contains(part));
        if let Some(line) = self.seen.iter().find(|line| is_it(line)) {
            return line.clone();
        }
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if is_it(&line) {
                        return line;
                    }
                }
                Err(why) => panic!("{parts:?} never came ({why}):\n{}", self.seen.join("\n")),
            }
        }
    }

    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        self.wait_for_all(&[part])
    }

    /// The `number`-th line with this text, counted from 1.
    #[track_caller]
    pub(crate) fn wait_for_number(&mut self, number: usize, part: &str) -> String {
        while !self.has_number(number, part) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(why) => panic!(
                    "number {number} of {part:?} never came ({why}):\n{}",
                    self.seen.join("\n")
                ),
            }
        }
        let mut lines = self.seen.iter().filter(|line| line.contains(part));
        lines.nth(number - 1).cloned().unwrap_or_default()
    }

    /// Whether there have been `number` lines with this text by now.
    pub(crate) fn has_number(&mut self, number: usize, part: &str) -> bool {
        self.seen.extend(self.lines.try_iter());
        self.seen.iter().filter(|line| line.contains(part)).count() >= number
    }

    /// The address behind `"endpoint":"` in the line with this text.
    #[track_caller]
    pub(crate) fn address(&mut self, of: &str) -> String {
        let line = self.wait_for(of);
        let (_, after) = line
            .split_once("\"endpoint\":\"")
            .expect("a line with an endpoint");
        after.split('"').next().expect("its end").to_owned()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        // A shell has `kill` built in where the program is not installed.
        let kill = format!("kill -{name} {}", self.child.id());
        let done = Command::new("sh")
            .args(["-c", &kill])
            .status()
            .expect("a shell");
        assert!(done.success(), "{kill}");
    }

    /// Waits until it has ended by itself: its exit code and its whole log.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end:\n{}", self.seen.join("\n"))
                }
            }
        }
        let status = self.child.wait().expect("it has ended");
        (status.code(), std::mem::take(&mut self.seen))
    }

    /// SIGTERM, and the log of a clean stop.
    #[track_caller]
    pub(crate) fn stop(self) -> Vec<String> {
        self.signal("TERM");
        let (code, log) = self.end();
        assert_eq!(code, Some(0), "{}", log.join("\n"));
        assert!(
            log.last()
                .is_some_and(|line| line.contains("Shutdown complete.")),
            "{}",
            log.join("\n")
        );
        log
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Already gone when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One HTTP/1.1 request over a connection of its own: status and body.
pub(crate) fn http(address: &str, method: &str, path: &str, json: &str) -> (u16, String) {
    let answer = try_http(address, method, path, json);
    answer.expect("somebody listens, and answers")
}

/// As [`http`], but the connection may be refused or reset.
pub(crate) fn try_http(
    address: &str,
    method: &str,
    path: &str,
    json: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{json}",
        json.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((status.expect("a status"), body.to_owned()))
}

/// Sends log records with these bodies to an OTLP receiver.
#[track_caller]
pub(crate) fn post_logs(address: &str, bodies: &[&str]) {
    let records: Vec<String> = bodies
        .iter()
        .map(|body| format!("{{\"body\":{{\"stringValue\":\"{body}\"}}}}"))
        .collect();
    let request = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{}]}}]}}]}}",
        records.join(",")
    );
    assert_eq!(
        http(address, "POST", "/v1/logs", &request),
        (200, "{}".to_owned())
    );
}

/// A port that somebody holds, as long as this lives.
pub(crate) fn taken_port() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    (listener, port)
}

/// A port that nobody holds at this moment.
pub(crate) fn free_port() -> u16 {
    taken_port().1
}
