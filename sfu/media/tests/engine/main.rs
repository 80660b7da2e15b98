//! The engine with real transports at both ends: what subscribers get, and what they do not.

mod access;
mod batches;
mod binding;
mod client;
mod commands;
mod data;
mod forwarding;
mod hostile;
mod hurry;
mod keyframes;
mod layers;
mod moving;
mod relay;
mod repair;
mod reports;
mod slots;
mod sound;
mod speakers;
mod stream;
mod world;
