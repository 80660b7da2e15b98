//! What commands measure, as they say it.

use anyhow::Result;
use serde::Serialize;
use std::fmt::Display;

/// What a command measured.
pub trait Measured: Serialize + Display {
    /// Whether that is as good as it must be.
    fn is_good(&self) -> bool;
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line for people.
    Line,
    /// A JSON object.
    Json,
}

/// Prints it; whether it is good.
pub fn tell(measured: &impl Measured, form: Form) -> Result<bool> {
    match form {
        Form::Json => println!("{}", serde_json::to_string(measured)?),
        Form::Line => println!("{measured}"),
    }
    Ok(measured.is_good())
}
