//! What is true in the simulated world, and what nobody in it is told. It is not made of the model that is put to the test.

use super::luck::Luck;

/// How often a kind of fix is wrong, as time goes on from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub enum Course {
    /// Always as often.
    Steady(f64),
    /// Ever more often, from the one to the other.
    Linear(f64, f64),
    /// From a moment on otherwise.
    Sudden { before: f64, after: f64, at: f64 },
    /// Otherwise for a while, so many times.
    Seasonal { mostly: f64, then: f64, times: f64 },
}

impl Course {
    /// How often it is wrong at `time`.
    pub fn at(self, time: f64) -> f64 {
        match self {
            Self::Steady(chance) => chance,
            Self::Linear(from, to) => from + (to - from) * time,
            Self::Sudden { before, after, at } => {
                if time < at {
                    before
                } else {
                    after
                }
            }
            // A fifth of each season.
            Self::Seasonal { mostly, then, times } => {
                if (time * times).fract() < 0.8 {
                    mostly
                } else {
                    then
                }
            }
        }
    }
}

/// A world.
#[derive(Debug, Clone)]
pub struct Nature {
    /// What it is called.
    pub name: &'static str,
    /// Kinds of fixes: what each is called, how often it is wrong, and how common it is.
    pub remedies: Vec<(&'static str, Course, f64)>,
    /// How many repositories there are.
    pub repositories: usize,
    /// Half of the advisories concern so many repositories.
    pub hit: f64,
    /// How good the checks of repositories are: of wrong fixes they find from so many to so many.
    pub checks: (f64, f64),
    /// How many releases are bad for everybody who takes them.
    pub bad_releases: f64,
    /// How often a registry has a bad day.
    pub bad_days: f64,
    /// How many repositories break by half of all fixes.
    pub bad_repositories: usize,
    /// How often people decline a fix for reasons of their own.
    pub declines: f64,
    /// How often checks fail for no reason.
    pub flaky: f64,
    /// How many wrong merges are ever noticed.
    pub noticed: f64,
    /// Half of those are noticed within so many days.
    pub noticed_days: f64,
}

/// A repository as it is.
pub struct Habits {
    /// How many wrong fixes its checks find; `None`: it has no checks.
    pub checks: Option<f64>,
    /// How often its people decline a fix for reasons of their own.
    pub declines: f64,
    /// How often fixes break it, whatever they are.
    pub breaks: f64,
    /// How much happens there.
    pub weight: f64,
}

impl Nature {
    /// Its repositories.
    pub fn habits(&self, luck: &mut Luck) -> Vec<Habits> {
        let mut all: Vec<Habits> = (0..self.repositories)
            .map(|_| Habits {
                checks: (!luck.happens(0.1)).then(|| luck.between(self.checks.0, self.checks.1)),
                // Most decline little, some a lot.
                declines: (self.declines * luck.long(0.5, 1.2)).min(0.5),
                breaks: 0.0,
                weight: luck.long(1.0, 1.0),
            })
            .collect();
        all.iter_mut().take(self.bad_repositories).for_each(|one| one.breaks = 0.5);
        all
    }
}

const NAMES: [&str; 6] = [
    "update_dependency:npm:in_place",
    "update_dependency:npm:manifest",
    "update_dependency:PyPI:in_place",
    "update_dependency:PyPI:manifest",
    "update_dependency:Maven:in_place",
    "update_dependency:Go:in_place",
];

fn kinds(courses: [Course; 6]) -> Vec<(&'static str, Course, f64)> {
    let common = [5.0, 2.0, 3.0, 1.0, 2.0, 2.0];
    NAMES.into_iter().zip(courses).zip(common).map(|((name, course), common)| (name, course, common)).collect()
}

/// A world in which nothing out of the ordinary happens.
pub fn calm() -> Nature {
    use Course::Steady;
    Nature {
        name: "calm",
        remedies: kinds([Steady(0.005), Steady(0.01), Steady(0.01), Steady(0.02), Steady(0.005), Steady(0.01)]),
        repositories: 80,
        hit: 2.0,
        checks: (0.2, 0.95),
        bad_releases: 0.0,
        bad_days: 0.0,
        bad_repositories: 0,
        declines: 0.01,
        flaky: 0.01,
        noticed: 0.7,
        noticed_days: 2.0,
    }
}

/// A world in which next to nothing is wrong, and everybody is content.
pub fn quiet() -> Nature {
    use Course::Steady;
    let remedies = [Steady(0.001), Steady(0.001), Steady(0.002), Steady(0.002), Steady(0.001), Steady(0.001)];
    Nature { name: "quiet", remedies: kinds(remedies), declines: 0.0, flaky: 0.001, ..calm() }
}

/// All worlds.
pub fn all() -> Vec<Nature> {
    use Course::{Linear, Seasonal, Steady, Sudden};
    let mixed = [Steady(0.005), Steady(0.03), Steady(0.06), Steady(0.1), Steady(0.2), Steady(0.4)];
    let linear =
        [Linear(0.002, 0.15), Linear(0.01, 0.3), Linear(0.0, 0.08), Linear(0.005, 0.6), Steady(0.01), Linear(0.1, 0.0)];
    let sudden = [
        Sudden { before: 0.005, after: 0.4, at: 0.5 },
        Sudden { before: 0.01, after: 0.2, at: 0.3 },
        Sudden { before: 0.0, after: 0.8, at: 0.7 },
        Sudden { before: 0.02, after: 0.1, at: 0.5 },
        Steady(0.01),
        Sudden { before: 0.3, after: 0.0, at: 0.4 },
    ];
    let seasonal = [
        Seasonal { mostly: 0.003, then: 0.2, times: 4.0 },
        Seasonal { mostly: 0.01, then: 0.1, times: 8.0 },
        Seasonal { mostly: 0.0, then: 0.5, times: 2.0 },
        Seasonal { mostly: 0.01, then: 0.3, times: 3.0 },
        Steady(0.01),
        Seasonal { mostly: 0.02, then: 0.15, times: 6.0 },
    ];
    let clustered = Nature { name: "clusters", bad_releases: 0.02, bad_days: 0.01, bad_repositories: 3, ..calm() };
    let betrayed = [
        Sudden { before: 0.001, after: 0.6, at: 0.5 },
        Sudden { before: 0.001, after: 0.6, at: 0.6 },
        Sudden { before: 0.001, after: 0.3, at: 0.5 },
        Sudden { before: 0.001, after: 0.9, at: 0.7 },
        Sudden { before: 0.001, after: 0.6, at: 0.4 },
        Sudden { before: 0.001, after: 0.2, at: 0.5 },
    ];
    let returning = [Seasonal { mostly: 0.0, then: 0.5, times: 5.0 }; 6];
    let unguarded = Nature { checks: (0.0, 0.2), ..quiet() };
    vec![
        quiet(),
        Nature {
            name: "quiet, then sudden",
            remedies: kinds(betrayed),
            noticed: 0.6,
            noticed_days: 5.0,
            ..unguarded.clone()
        },
        Nature {
            name: "quiet, then seasonal",
            remedies: kinds(returning),
            noticed: 0.6,
            noticed_days: 5.0,
            ..unguarded.clone()
        },
        Nature {
            name: "quiet, with contagion",
            bad_releases: 0.06,
            hit: 15.0,
            noticed: 0.6,
            noticed_days: 5.0,
            ..unguarded
        },
        calm(),
        Nature { name: "mixed", remedies: kinds(mixed), ..calm() },
        Nature { name: "linear", remedies: kinds(linear), ..calm() },
        Nature { name: "sudden", remedies: kinds(sudden), ..calm() },
        Nature { name: "seasonal", remedies: kinds(seasonal), ..calm() },
        clustered.clone(),
        Nature {
            name: "weak checks, noticed late",
            checks: (0.0, 0.1),
            noticed: 0.6,
            noticed_days: 6.0,
            ..clustered.clone()
        },
        Nature { name: "people decline", declines: 0.15, ..calm() },
        Nature {
            name: "all at once",
            remedies: kinds(sudden),
            checks: (0.0, 0.9),
            declines: 0.03,
            noticed: 0.6,
            noticed_days: 4.0,
            ..clustered
        },
    ]
}
