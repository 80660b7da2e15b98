//! A cluster's certificates: one authority, and a certificate for each role of each process.
//!
//! The role stands in the certificate, so that a node's cannot speak as an edge.

use anyhow::{Context, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The file of the authority's certificate.
const AUTHORITY: &str = "ca.pem";
/// The file of the authority's key; wanted only to make further certificates.
const AUTHORITY_KEY: &str = "ca.key";

/// What a process is in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns rooms.
    Controller,
    /// Talks to clients.
    Edge,
    /// Forwards media.
    Node,
    /// Records meetings.
    Recorder,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 4] = [Role::Controller, Role::Edge, Role::Node, Role::Recorder];

    /// The name in the certificate: not resolvable, and nobody else's.
    pub fn subject(self) -> String {
        format!("{self}.lectern.internal")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Controller => "controller",
            Role::Edge => "edge",
            Role::Node => "node",
            Role::Recorder => "recorder",
        })
    }
}

/// A process's certificate and key, and the authority it trusts.
pub struct Identity {
    /// The authority's certificate.
    pub authority: CertificateDer<'static>,
    /// The process's own.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

/// Makes an authority and one certificate for each role in `directory`. Refuses to replace any.
pub fn init(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make the folder {}", directory.display()))?;
    let mut parameters = CertificateParams::new(Vec::<String>::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name.push(DnType::CommonName, "Lectern cluster");
    let authority_key = KeyPair::generate()?;
    let authority = parameters.self_signed(&authority_key)?;
    write(directory, AUTHORITY_KEY, &authority_key.serialize_pem())?;
    write(directory, AUTHORITY, &authority.pem())?;
    let issuer = Issuer::new(parameters, authority_key);
    for role in Role::ALL {
        let mut parameters = CertificateParams::new(vec![role.subject()])?;
        parameters.distinguished_name.push(DnType::CommonName, role.to_string());
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &issuer)?;
        write(directory, &format!("{role}.key"), &key.serialize_pem())?;
        write(directory, &format!("{role}.pem"), &certificate.pem())?;
    }
    Ok(())
}

/// Reads a role's certificate, its key and the authority from `directory`.
pub fn load(directory: &Path, role: Role) -> Result<Identity> {
    let hint = || {
        format!(
            "cannot read the cluster's certificates in {}; make them with \
             `lectern cluster init --directory {}` and copy the folder to each machine",
            directory.display(),
            directory.display()
        )
    };
    let authority = CertificateDer::from_pem_file(directory.join(AUTHORITY)).with_context(hint)?;
    let certificate = CertificateDer::from_pem_file(directory.join(format!("{role}.pem")));
    let key = PrivateKeyDer::from_pem_file(directory.join(format!("{role}.key")));
    Ok(Identity {
        authority,
        certificate: certificate.with_context(hint)?,
        key: key.with_context(hint)?,
    })
}

/// The role in a certificate whose chain has been verified already.
pub fn role_of(certificate: &CertificateDer<'_>) -> Result<Role> {
    let certificate =
        webpki::EndEntityCert::try_from(certificate).context("the certificate cannot be read")?;
    for role in Role::ALL {
        let subject = ServerName::try_from(role.subject())?;
        if certificate.verify_is_valid_for_subject_name(&subject).is_ok() {
            return Ok(role);
        }
    }
    bail!("the certificate names no role")
}

fn write(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    let mode = if name.ends_with(".key") { 0o600 } else { 0o644 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
    let mut file = file.with_context(|| {
        format!("cannot make {}; remove the folder to begin a new cluster", path.display())
    })?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_names_its_role_and_no_other() {
        let directory = tempfile::tempdir().expect("a folder");
        init(directory.path()).expect("certificates");
        for role in Role::ALL {
            let identity = load(directory.path(), role).expect("an identity");
            assert_eq!(role_of(&identity.certificate).expect("a role"), role);
        }
        let authority = load(directory.path(), Role::Node).expect("an identity").authority;
        assert!(role_of(&authority).is_err(), "the authority is no process");
    }

    #[test]
    fn keys_are_for_their_owner_only_and_never_replaced() {
        let directory = tempfile::tempdir().expect("a folder");
        init(directory.path()).expect("certificates");
        for entry in std::fs::read_dir(directory.path()).expect("a folder") {
            let entry = entry.expect("a file");
            let mode = entry.metadata().expect("a file").permissions().mode() & 0o777;
            let name = entry.file_name().into_string().expect("a name");
            let wanted = if name.ends_with(".key") { 0o600 } else { 0o644 };
            assert_eq!(mode, wanted, "{name}");
        }
        let key = || std::fs::read(directory.path().join("node.key")).expect("a key");
        let before = key();
        let error = init(directory.path()).expect_err("refused");
        assert!(format!("{error:#}").contains("remove the folder"), "{error:#}");
        assert_eq!(key(), before);
    }

    #[test]
    fn missing_certificates_are_told_with_the_command_that_makes_them() {
        let error = load(Path::new("/nowhere"), Role::Edge).err().expect("nothing there");
        assert!(format!("{error:#}").contains("lectern cluster init"), "{error:#}");
    }
}
