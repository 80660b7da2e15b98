//! What a process is told: a TOML file, then `LECTERN_…` variables, then the command line.

use anyhow::{Context, Result, anyhow};
use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Metadata, Profile, Provider};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Variables that are not keys: the file itself, and how much is logged.
const NOT_KEYS: &[&str] = &["config", "log"];

/// Everything a process can be told. Each role reads its own part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where embedded stores, keys and certificates lie.
    pub data_dir: PathBuf,
    /// The operator's listener: metrics and health. Never reachable by clients.
    pub admin: SocketAddr,
    /// How processes of a cluster find and trust each other.
    pub cluster: Cluster,
    /// The controller.
    pub controller: lectern_controller::Config,
    /// The edge.
    pub edge: lectern_signaling::Config,
    /// The media node.
    pub node: lectern_sfu::Config,
    /// The recorder.
    pub recorder: lectern_recorder::Config,
}

/// How processes of a cluster find and trust each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// The folder made by `lectern cluster init`.
    pub certificates: PathBuf,
    /// Where the controller accepts links.
    pub listen: SocketAddr,
    /// Where nodes, edges and recorders find the controller: a name or address, and a port.
    pub controller: String,
    /// Where a recorder accepts links of nodes and edges. What they are told is
    /// `recorder.advertise`.
    pub recorder_listen: SocketAddr,
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster {
            certificates: PathBuf::from("lectern-cluster"),
            listen: SocketAddr::from(([0, 0, 0, 0], 7_880)),
            controller: "127.0.0.1:7880".to_owned(),
            recorder_listen: SocketAddr::from(([0, 0, 0, 0], 7_883)),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            data_dir: PathBuf::from("lectern-data"),
            admin: SocketAddr::from(([127, 0, 0, 1], 7_881)),
            cluster: Cluster::default(),
            controller: lectern_controller::Config::default(),
            edge: lectern_signaling::Config::default(),
            node: lectern_sfu::Config::default(),
            recorder: lectern_recorder::Config::default(),
        }
    }
}

/// Reads the configuration. `settings` are `key.path=value` from the command line.
pub fn load(file: Option<&Path>, settings: &[String]) -> Result<Config> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = file {
        // A file that was named must be there; the provider itself would pass over it.
        std::fs::metadata(file)
            .with_context(|| format!("cannot read the configuration {}", file.display()))?;
        figment = figment.merge(Toml::file_exact(file));
    }
    // LECTERN_EDGE__LISTEN is edge.listen.
    figment = figment.merge(Env::prefixed("LECTERN_").split("__").ignore(NOT_KEYS));
    for setting in settings {
        figment = figment.merge(Setting::parse(setting)?);
    }
    figment.extract().map_err(|errors| anyhow!(explain(errors)))
}

/// One `--set key.path=value`.
struct Setting<'a> {
    key: &'a str,
    value: figment::value::Value,
}

impl<'a> Setting<'a> {
    /// A value is what TOML makes of it, or else plain text: addresses need no quotes.
    fn parse(text: &'a str) -> Result<Setting<'a>> {
        let (key, value) = text.split_once('=').with_context(|| {
            format!("--set takes key=value, such as node.workers=2, not {text:?}")
        })?;
        let plain = || figment::value::Value::from(value);
        Ok(Setting { key, value: value.parse().unwrap_or_else(|_| plain()) })
    }
}

impl Provider for Setting<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("--set {}", self.key))
    }

    fn data(&self) -> Result<figment::value::Map<Profile, figment::value::Dict>, figment::Error> {
        Serialized::global(self.key, &self.value).data()
    }
}

/// One line for each key that cannot be used: what is wrong, and where it was said. Values are left
/// out where they may be secrets.
fn explain(errors: figment::Error) -> String {
    let line = |error: figment::Error| {
        let key = error.path.join(".");
        let source = error.metadata.as_ref().map(|metadata| match &metadata.source {
            Some(source) => format!("{} {source}", metadata.name),
            None => metadata.name.to_string(),
        });
        let place = match (key.is_empty(), source) {
            (true, None) => String::new(),
            (true, Some(source)) => format!(" in {source}"),
            (false, None) => format!(" at {key}"),
            (false, Some(source)) => format!(" at {key} in {source}"),
        };
        format!("the configuration cannot be used{place}: {}", what(&error.kind))
    };
    errors.into_iter().map(line).collect::<Vec<_>>().join("; ")
}

fn what(kind: &figment::error::Kind) -> String {
    use figment::error::Kind;
    match kind {
        // What stands there may be a key.
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            format!("expected {expected}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a test in a folder of its own, with variables of its own.
    #[expect(clippy::result_large_err, reason = "the error is figment's")]
    fn in_a_jail(test: impl FnOnce(&mut figment::Jail)) {
        figment::Jail::expect_with(|jail| {
            test(jail);
            Ok(())
        });
    }

    fn refused(file: Option<&Path>, settings: &[&str]) -> String {
        let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
        format!("{:#}", load(file, &settings).expect_err("refused"))
    }

    #[test]
    fn the_defaults_are_a_configuration() {
        let config = load(None, &[]).expect("the defaults");
        assert_eq!(config.cluster.listen.port(), 7_880);
    }

    #[test]
    fn the_command_line_wins_over_variables_and_those_over_the_file() {
        in_a_jail(|jail| {
            jail.create_file(
                "lectern.toml",
                "admin = '127.0.0.1:1'\ndata_dir = 'file'\nnode = { workers = 3, region = 'file' }",
            )
            .expect("a file");
            jail.set_env("LECTERN_CONFIG", "lectern.toml");
            jail.set_env("LECTERN_DATA_DIR", "variable");
            jail.set_env("LECTERN_NODE__REGION", "variable");
            let set = ["admin=127.0.0.1:9", "node.region=here"].map(str::to_owned);
            let config = load(Some(Path::new("lectern.toml")), &set).expect("a configuration");
            assert_eq!(config.admin.port(), 9);
            assert_eq!(config.data_dir, PathBuf::from("variable"));
            assert_eq!((config.node.workers, config.node.region.as_str()), (3, "here"));
        });
    }

    #[test]
    fn an_error_names_the_key_and_where_it_was_said() {
        in_a_jail(|jail| {
            let file = Path::new("lectern.toml");
            jail.create_file(file, "[node]\nworkers = 'many'").expect("a file");
            let error = refused(Some(file), &[]);
            assert!(error.contains("node.workers"), "{error}");
            assert!(error.contains("lectern.toml"), "{error}");
            jail.create_file(file, "[node]\nworkrs = 1").expect("a file");
            let error = refused(Some(file), &[]);
            assert!(error.contains("workrs") && error.contains("lectern.toml"), "{error}");
            jail.create_file(file, "").expect("a file");
            jail.set_env("LECTERN_NODE__LISTEN", "nowhere");
            let error = refused(Some(file), &[]);
            assert!(error.contains("node.listen") && error.contains("LECTERN_"), "{error}");
        });
        let error = refused(None, &["node.advertise=[\"example.com\"]"]);
        assert!(error.contains("--set node.advertise"), "{error}");
        assert!(refused(None, &["admn=127.0.0.1:9"]).contains("admn"));
        assert!(refused(None, &["admin"]).contains("key=value"));
        assert!(refused(Some(Path::new("missing.toml")), &[]).contains("missing.toml"));
    }

    #[test]
    fn an_error_tells_no_secret() {
        let error = refused(None, &["edge.operator_key=31415926535897"]);
        assert!(error.contains("edge.operator_key"), "{error}");
        assert!(!error.contains("31415926535897"), "{error}");
    }
}
