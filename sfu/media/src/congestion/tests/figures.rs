//! One number of a scenario over many seeds.

/// Runs of each scenario.
pub const SEEDS: u64 = 50;

/// What a number was in each run, from the least to the most.
pub struct Figures(Vec<f64>);

/// Runs a scenario for each seed and gives its numbers, one [`Figures`] for each name.
pub fn over_seeds<const N: usize>(names: [&str; N], run: impl Fn(u64) -> [f64; N]) -> [Figures; N] {
    let runs: Vec<[f64; N]> = (0..SEEDS).map(run).collect();
    let mut place = 0;
    names.map(|name| {
        let mut values: Vec<f64> = runs.iter().map(|run| run[place]).collect();
        place += 1;
        values.sort_by(f64::total_cmp);
        let figures = Figures(values);
        println!(
            "{name:44} least {:8.3}  median {:8.3}  most {:8.3}",
            figures.least(),
            figures.median(),
            figures.most()
        );
        figures
    })
}

impl Figures {
    pub fn least(&self) -> f64 {
        self.0[0]
    }

    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    pub fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}
