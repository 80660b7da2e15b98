//! Modules of a crate form no ring.

use crate::sources::{CRATES, Source, files};
use std::collections::{BTreeMap, BTreeSet};

/// A module's path inside its crate, such as `["transport", "ice"]`.
type Module = Vec<String>;
/// Who uses whom among the children of one module.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn module(folder: &str, path: &str) -> Module {
    let inside = path.strip_prefix(folder).expect("in the folder").trim_start_matches("/src/");
    let inside = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let parts = inside.split('/').filter(|part| !matches!(*part, "lib" | "main"));
    parts.map(str::to_owned).collect()
}

/// The module a path names, seen from `from`: the longest known beginning.
fn resolve(known: &BTreeSet<Module>, from: &Module, path: &str) -> Option<Module> {
    let mut absolute = from.clone();
    let mut words = path.split("::").map(|word| word.trim().to_owned()).peekable();
    match words.next()?.as_str() {
        "crate" => absolute.clear(),
        "super" => {
            absolute.pop()?;
            while words.peek().is_some_and(|word| word == "super") {
                words.next();
                absolute.pop()?;
            }
        }
        _ => return None,
    }
    for word in words {
        absolute.push(word);
        if !known.contains(&absolute) {
            absolute.pop();
            break;
        }
    }
    Some(absolute)
}

/// All `crate::…` and `super::…` paths of a file's code, one level of braces opened.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    for line in code.split(';').filter(|part| part.contains("crate::") || part.contains("super::"))
    {
        for (at, _) in line.match_indices("crate::").chain(line.match_indices("super::")) {
            if line[..at].chars().next_back().is_some_and(is_path) {
                continue;
            }
            let end = line[at..].find(|c| !is_path(c)).map_or(line.len(), |end| at + end);
            let path = line[at..end].to_owned();
            if !line[end..].starts_with('{') {
                found.push(path);
                continue;
            }
            let inner = &line[end + 1..];
            let inner = &inner[..inner.rfind('}').unwrap_or(inner.len())];
            found.extend(inner.split(',').map(|item| format!("{path}{}", item.trim())));
        }
    }
    found
}

fn note(graphs: &mut BTreeMap<Module, Graph>, from: &Module, to: &Module) {
    let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    if common == from.len() || common == to.len() {
        return; // A parent and its own child are one house.
    }
    let graph = graphs.entry(from[..common].to_vec()).or_default();
    graph.entry(from[common].clone()).or_default().insert(to[common].clone());
}

/// A ring in the graph, if there is one.
fn ring(graph: &Graph) -> Option<Vec<String>> {
    fn walk<'g>(
        graph: &'g Graph,
        at: &'g str,
        way: &mut Vec<&'g str>,
        done: &mut BTreeSet<&'g str>,
    ) -> bool {
        if way.contains(&at) {
            way.push(at);
            return true;
        }
        if !done.insert(at) {
            return false;
        }
        way.push(at);
        for next in graph.get(at).into_iter().flatten() {
            if walk(graph, next, way, done) {
                return true;
            }
        }
        way.pop();
        false
    }
    let mut done = BTreeSet::new();
    for start in graph.keys() {
        let mut way = Vec::new();
        if walk(graph, start, &mut way, &mut done) {
            return Some(way.into_iter().map(str::to_owned).collect());
        }
    }
    None
}

fn graphs(folder: &str, sources: &[Source]) -> BTreeMap<Module, Graph> {
    let known: BTreeSet<Module> = sources.iter().map(|s| module(folder, &s.path)).collect();
    let mut graphs = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let from = module(folder, &source.path);
        for path in paths(source.code()) {
            if let Some(to) = resolve(&known, &from, &path) {
                note(&mut graphs, &from, &to);
            }
        }
    }
    graphs
}

#[test]
fn modules_form_no_ring() {
    for (name, folder) in CRATES {
        let sources = files(&format!("{folder}/src"), &[".rs"]);
        for (parent, graph) in graphs(folder, &sources) {
            let ring = ring(&graph);
            assert!(
                ring.is_none(),
                "{name}::{}: {}",
                parent.join("::"),
                ring.unwrap_or_default().join(" → ")
            );
        }
    }
}

#[test]
fn a_ring_is_found() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let sources = [
        source("x/src/lib.rs", "mod a; mod b; mod c;"),
        source("x/src/a.rs", "use crate::b::B;"),
        source("x/src/b.rs", "use crate::{c::C, d};"),
        source("x/src/c.rs", "fn f() { crate::a::g() }"),
    ];
    let graphs = graphs("x", &sources);
    let found = ring(&graphs[&Vec::new()]).expect("a → b → c → a");
    assert_eq!(found.len(), 4);
}
