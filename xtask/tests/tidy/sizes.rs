//! How long files and functions may be. The allow-list may only shrink.

use crate::sources::{Source, files, root, rust};
use std::collections::BTreeMap;
use std::fs;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Lines of a file without its tests; more than one concept hides in a longer one.
const FILE_LINES: usize = 400;
/// No file at all may be longer.
const FILE_LINES_EVER: usize = 800;
/// Lines of a function; a longer one cannot be read aloud.
const FUNCTION_LINES: usize = 70;

/// What is longer, and by how much; each line: kind, place, lines.
fn allowed() -> BTreeMap<(String, String), usize> {
    let path = root().join("xtask/tests/tidy/allow.txt");
    let text = fs::read_to_string(path).expect("the allow-list");
    let entries = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        let mut next = || words.next().expect("kind, place, lines").to_owned();
        let (kind, place, lines) = (next(), next(), next());
        ((kind, place), lines.parse().expect("a number of lines"))
    };
    entries.map(parse).collect()
}

/// Functions of a file with their lengths.
#[derive(Default)]
struct Functions {
    found: Vec<(String, usize)>,
}

impl Functions {
    fn note(&mut self, name: &syn::Ident, block: &syn::Block) {
        let span = block.span();
        let lines = span.end().line - span.start().line + 1;
        self.found.push((name.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }
}

fn too_long(sources: &[Source]) -> BTreeMap<(String, String), usize> {
    let mut found = BTreeMap::new();
    for source in sources {
        let lines = if source.is_test() { 0 } else { source.code().lines().count() };
        if lines > FILE_LINES {
            found.insert(("file".to_owned(), source.path.clone()), lines);
        }
        let file = syn::parse_file(&source.text).expect("Rust");
        let mut functions = Functions::default();
        functions.visit_file(&file);
        for (name, lines) in functions.found {
            if lines > FUNCTION_LINES {
                found.insert(("fn".to_owned(), format!("{}:{name}", source.path)), lines);
            }
        }
    }
    found
}

#[test]
fn files_and_functions_are_short() {
    let (allowed, found) = (allowed(), too_long(&rust()));
    let mut complaints = Vec::new();
    for (key @ (kind, place), lines) in &found {
        if *lines > allowed.get(key).copied().unwrap_or(0) {
            complaints.push(format!("{kind} {place} has {lines} lines: split it"));
        }
    }
    for (key @ (kind, place), limit) in &allowed {
        let lines = found.get(key).copied().unwrap_or(0);
        if lines < *limit {
            complaints.push(format!("{kind} {place} has {lines} lines: shrink it in allow.txt"));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn no_file_hides_a_second_concept() {
    for source in rust().iter().chain(&files("web", &[".ts", ".mjs", ".css"])) {
        let lines = source.text.lines().count();
        assert!(lines <= FILE_LINES_EVER, "{} has {lines} lines: split it", source.path);
    }
}

#[test]
fn every_file_says_what_it_is() {
    let said = |source: &Source| {
        let header = source.text.lines().take_while(|line| line.starts_with("//!"));
        header.filter(|line| line.len() > 4).count()
    };
    let mute = |source: &Source| !(1..=5).contains(&said(source));
    let mute: Vec<String> = rust().into_iter().filter(mute).map(|source| source.path).collect();
    assert!(mute.is_empty(), "these have not 1 to 5 lines of //!: {mute:#?}");
}
