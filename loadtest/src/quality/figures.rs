//! Figures of one run with the goals they are held against, and the middle of several runs.

use serde_json::{Map, Value, json};

/// What a goal asks of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// Nothing: it is only told.
    Told,
}

/// One figure; `None` is what never happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name, with the unit at its end.
    pub name: &'static str,
    /// Its value.
    pub value: Option<f64>,
    /// What is asked of it.
    pub goal: Goal,
}

/// The figures of one run, or the middle of several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    all: Vec<Figure>,
    words: Vec<(&'static str, String)>,
}

impl Figure {
    /// Whether the goal is met. What never happened meets none.
    pub fn is_met(&self) -> bool {
        match (self.goal, self.value) {
            (Goal::Told, _) => true,
            (Goal::AtMost(most), Some(value)) => value <= most,
            (Goal::AtLeast(least), Some(value)) => value >= least,
            (_, None) => false,
        }
    }
}

impl Figures {
    /// A figure that must not be larger.
    pub fn at_most(&mut self, name: &'static str, value: Option<f64>, most: f64) {
        self.all.push(Figure { name, value, goal: Goal::AtMost(most) });
    }

    /// A figure that must not be smaller.
    pub fn at_least(&mut self, name: &'static str, value: Option<f64>, least: f64) {
        self.all.push(Figure { name, value, goal: Goal::AtLeast(least) });
    }

    /// A figure that is only told.
    pub fn told(&mut self, name: &'static str, value: Option<f64>) {
        self.all.push(Figure { name, value, goal: Goal::Told });
    }

    /// What is no number.
    pub fn say(&mut self, name: &'static str, word: String) {
        self.words.push((name, word));
    }

    /// The middle of several runs, figure by figure; what never happened counts as worse than all.
    pub fn middle(runs: &[Figures]) -> Figures {
        let Some(first) = runs.first() else { return Figures::default() };
        let middle = |figure: &Figure| {
            let values = runs.iter().flat_map(|run| &run.all).filter(|one| one.name == figure.name);
            let worst = match figure.goal {
                Goal::AtLeast(_) => f64::NEG_INFINITY,
                _ => f64::INFINITY,
            };
            let all: Vec<f64> = values.map(|one| one.value.unwrap_or(worst)).collect();
            Figure { value: median(&all).filter(|value| value.is_finite()), ..figure.clone() }
        };
        Figures { all: first.all.iter().map(middle).collect(), words: first.words.clone() }
    }

    /// One flat object, with the names of the goals that were missed.
    pub fn json(&self, scenario: &str, runs: &[Figures]) -> Value {
        let mut object = Map::new();
        object.insert("scenario".to_owned(), json!(scenario));
        for figure in &self.all {
            object.insert(figure.name.to_owned(), json!(figure.value.map(rounded)));
        }
        for (name, word) in &self.words {
            object.insert((*name).to_owned(), json!(word));
        }
        let missed: Vec<_> = self.all.iter().filter(|figure| !figure.is_met()).collect();
        let names: Vec<_> = missed.iter().map(|figure| figure.name).collect();
        object.insert("met".to_owned(), json!(names.is_empty()));
        object.insert("missed".to_owned(), json!(names));
        object.insert("runs".to_owned(), json!(runs.len()));
        Value::Object(object)
    }

    /// A few lines for people.
    pub fn table(&self, scenario: &str) -> String {
        let line = |figure: &Figure| {
            let value = figure.value.map_or("never".to_owned(), |value| rounded(value).to_string());
            let goal = match figure.goal {
                Goal::AtMost(most) => format!("at most {most}"),
                Goal::AtLeast(least) => format!("at least {least}"),
                Goal::Told => String::new(),
            };
            let mark = if figure.is_met() { "" } else { "  MISSED" };
            format!("  {:24} {value:>12}  {goal}{mark}\n", figure.name)
        };
        format!("{scenario}\n{}", self.all.iter().map(line).collect::<String>())
    }
}

/// The middle value; of an even count the lower one of the two.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// Four digits behind the point are all that is told.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(value: Option<f64>) -> Figures {
        let mut figures = Figures::default();
        figures.at_most("recover_s", value, 3.0);
        figures.told("height", Some(720.0));
        figures
    }

    #[test]
    fn the_middle_run_is_held_against_the_goal() {
        let runs = [run(Some(2.0)), run(None), run(Some(2.5))];
        let middle = Figures::middle(&runs);
        assert_eq!(middle, run(Some(2.5)));
        let json = middle.json("drop", &runs);
        assert_eq!((&json["recover_s"], &json["met"]), (&json!(2.5), &json!(true)));
        let json = Figures::middle(&[run(None), run(None), run(Some(1.0))]).json("drop", &runs);
        assert_eq!((&json["recover_s"], &json["missed"]), (&Value::Null, &json!(["recover_s"])));
    }
}
