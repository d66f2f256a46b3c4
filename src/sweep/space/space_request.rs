//! Reads the combinations of a request: parameters, constraints, sample.

use super::axis::{Axis, Target};
use super::combinations::{Points, Space};
use super::constraint::{self, Constraint, settings_at};
use super::grid::Grid;
use super::names::{SETTING_PREFIX, is_sweepable, swept_names};
use super::sample::{self, Sample};
use super::value_domain::ValueDomain;
use super::value_range;
use super::walk::Walk;
use crate::compute::reserve;
use crate::error::{Code, Error, Result, known_names, nearest};
use crate::observer::ProgressObserver;
use crate::quote::{self, listed};
use crate::request::{Input, Issues};
use crate::settings::{SETTINGS, Setting, Settings, SizeType};
use crate::strategies::{POSITION_SIZE, Strategy};

/// The path of the axes in a request.
const PATH: &str = "parameters";

/// The most steps of a walk over a grid with constraints, about a second of work.
const MAX_STEPS: u64 = 50_000_000;

/// Samples of grids with fewer points are taken from all valid points.
const MAX_WALKED: u64 = 1 << 23;

/// The maximum number of axes.
const MAX_AXES: usize = 100;

/// What the combinations of a sweep are read from.
#[derive(Debug, Clone, Copy)]
pub struct SpaceRequest<'a> {
    /// The strategy.
    pub strategy: &'a Strategy,
    /// Whether the strategy has short signals of its own; `None` if a function computes its signals.
    pub has_short_signals: Option<bool>,
    /// The values of each axis, by name.
    pub parameters: Option<&'a Input>,
    /// Constraints besides those of the strategy.
    pub constraints: &'a [String],
    /// How many of the combinations to take.
    pub sample: Option<Sample>,
    /// The settings that are not swept.
    pub settings: &'a Settings,
    /// The settings that the request states beside the axes.
    pub stated_settings: &'a [&'static str],
    /// How often each combination is run: the number of assets and timeframes.
    pub runs: usize,
    /// The maximum number of runs.
    pub max_combinations: usize,
}

impl SpaceRequest<'_> {
    /// Reads the combinations. Every problem of the request is reported; then there is no space.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there are too many combinations, `ABORT_ERR` if the observer is cancelled.
    pub fn read(
        &self,
        issues: &mut Issues,
        observer: &dyn ProgressObserver,
    ) -> Result<Option<Space>> {
        let mut found = Issues::default();
        let axes = self.axes(&mut found)?;
        let names = swept_names(self.strategy.definition(), &axes, self.settings);
        let mut constraints = constraint::read(self.strategy, self.constraints, &names, &mut found);
        let changes_settings = axes.iter().any(|axis| !matches!(axis.target, Target::Parameter(_)));
        if changes_settings {
            self.check_values(&axes, &mut found);
            constraints.extend(constraint::of_settings(
                self.settings,
                &axes,
                self.has_short_signals,
            ));
        }
        let points = if found.is_empty() {
            self.points(&axes, constraints, &mut found, observer)?
        } else {
            None
        };
        let space = points.filter(|_| found.is_empty());
        issues.append(found);
        drop(names);
        space.map(|points| Space::of_points(axes, points)).transpose()
    }

    /// Reads the axes in the order of the request.
    fn axes(&self, issues: &mut Issues) -> Result<Vec<Axis>> {
        let entries = match self.parameters {
            None | Some(Input::Null) => &[],
            Some(Input::Record(entries)) => entries.as_slice(),
            Some(other) => {
                let message = format!("{PATH} must be an object, was {}", other.describe());
                issues.add(PATH, "type", message);
                &[]
            }
        };
        let mut axes = Vec::new();
        if entries.len() > MAX_AXES {
            let message =
                format!("{PATH} has {} parameters, the maximum is {MAX_AXES}", entries.len());
            issues.add(PATH, "limit", message);
            return Ok(axes);
        }
        for (name, input) in entries {
            // As in the parameters of a run, `null` is the same as absent.
            let is_absent = matches!(input, Input::Null);
            let Some(target) = self.target(name, issues).filter(|_| !is_absent) else { continue };
            let Some(domain) = ValueDomain::of(target, self.strategy.definition()) else {
                continue;
            };
            let path = format!("{PATH}.{name}");
            self.check_conflicts(&path, target, entries, issues);
            if let Some(values) = value_range::read(&path, input, domain, issues)? {
                axes.push(Axis { name: name.clone(), target, values });
            }
        }
        Ok(axes)
    }

    /// Returns what a name stands for; adds an issue if it stands for nothing.
    fn target(&self, name: &str, issues: &mut Issues) -> Option<Target> {
        let parameters = &self.strategy.definition().parameters;
        if let Some(index) = parameters.iter().position(|parameter| parameter.name == name) {
            return Some(Target::Parameter(index));
        }
        if name == POSITION_SIZE {
            return Some(Target::PositionSize);
        }
        let setting = |name: &str| SETTINGS.iter().find(|setting| setting.name == name);
        let stated = name.strip_prefix(SETTING_PREFIX).and_then(setting);
        if let Some(setting) = stated.filter(|setting| is_sweepable(setting)) {
            return Some(Target::Setting(setting));
        }
        let path = format!("{PATH}.{}", quote::name(name));
        if let Some(setting) = stated {
            let message = format!(
                "{path} must be a number or a flag, but {} is a choice; run one sweep for each",
                setting.name
            );
            issues.add(path, "type", message);
            return None;
        }
        issues.add_with("unknown", || {
            let hint = self.hint(name);
            let message = format!("unknown parameter {path}{hint}");
            (path, message)
        });
        None
    }

    /// Returns what to write instead of an unknown name, as the end of a message.
    fn hint(&self, name: &str) -> String {
        let declared = self.strategy.definition().parameters.iter();
        let own: Vec<&str> =
            declared.map(|parameter| parameter.name.as_str()).chain([POSITION_SIZE]).collect();
        let settings =
            || SETTINGS.iter().filter(|setting| is_sweepable(setting)).map(|setting| setting.name);
        let word = name.strip_prefix(SETTING_PREFIX);
        let exact = settings().find(|known| *known == name);
        let known = || nearest(name, own.iter().copied());
        if name == "simulation" {
            return ", write the settings as 'simulation.slStop': […]".to_owned();
        }
        if let (Some(setting), _) | (None, Some(setting)) =
            (exact, word.and_then(|word| nearest(word, settings())))
        {
            return format!(", did you mean {SETTING_PREFIX}{setting}?");
        }
        if let Some(known) = known() {
            return format!(", did you mean {known}?");
        }
        if let Some(setting) = nearest(name, settings()) {
            return format!(", did you mean {SETTING_PREFIX}{setting}?");
        }
        format!(
            "{}; settings are written as 'simulation.slStop'",
            known_names("parameters", name, &own)
        )
    }

    /// Checks that nothing else in the request sets what an axis does.
    fn check_conflicts(
        &self,
        path: &str,
        target: Target,
        entries: &[(String, Input)],
        issues: &mut Issues,
    ) {
        let is_stated = |name: &str| self.stated_settings.contains(&name);
        match target {
            Target::Parameter(_) => {}
            Target::PositionSize => {
                let size = ["size", "sizeType"].into_iter().find(|name| is_stated(name));
                let swept = entries.iter().any(|(name, value)| {
                    name == "simulation.size" && !matches!(value, Input::Null)
                });
                let other = match size {
                    Some(name) => Some(format!("simulation.{name}")),
                    None => swept.then(|| format!("{PATH}.simulation.size")),
                };
                if let Some(other) = other {
                    let message =
                        format!("{path} and {other} are mutually exclusive: set only one of them");
                    issues.add(path, "conflict", message);
                }
            }
            Target::Setting(setting) => {
                if is_stated(setting.name) {
                    let message = format!(
                        "{path} and simulation.{} are mutually exclusive: set only one of them",
                        setting.name
                    );
                    issues.add(path, "conflict", message);
                }
            }
        }
    }

    /// Reports the values of settings that can only be a mistake, whatever the other values are.
    fn check_values(&self, axes: &[Axis], issues: &mut Issues) {
        for axis in axes {
            let Target::Setting(setting) = axis.target else { continue };
            for (index, value) in axis.values.iter().enumerate() {
                let path = || format!("{PATH}.{}[{index}]", axis.name);
                if let Some((code, text)) = self.mistake(axis, setting, *value) {
                    issues.add_with(code, || (path(), format!("{} {text}", path())));
                }
            }
        }
    }

    fn mistake(
        &self,
        axis: &Axis,
        setting: &Setting,
        value: f64,
    ) -> Option<(&'static str, String)> {
        let percent = self.settings.sizing.size_type == SizeType::Percent;
        if setting.name == "size" && percent && value > 1.0 {
            let text = format!("must be between 0 and 1 with sizeType percent, was {value}");
            return Some(("conflict", text));
        }
        let mut settings = self.settings.clone();
        axis.assign(value, &mut settings);
        let mut mistakes = settings.mistakes(self.has_short_signals).into_iter();
        let own =
            mistakes.find(|mistake| mistake.setting == setting.name && mistake.code == "range")?;
        Some((own.code, own.text))
    }

    /// Returns the points that are combinations.
    fn points(
        &self,
        axes: &[Axis],
        constraints: Vec<Constraint<'_>>,
        issues: &mut Issues,
        observer: &dyn ProgressObserver,
    ) -> Result<Option<Points>> {
        let lengths = axes.iter().map(|axis| u32::try_from(axis.values.len()));
        let grid = lengths.collect::<Result<Vec<u32>, _>>().ok().and_then(Grid::new);
        let Some(grid) = grid else {
            // The error of a grid that cannot be numbered.
            return Space::full(axes.to_vec()).map(|_| None);
        };
        let limit = self.max_combinations / self.runs.max(1);
        if let Some(sample) = self.sample
            && sample.count > limit
        {
            return Err(self.too_many(sample.count as u64, "sample asks for"));
        }
        let mut walk = Walk::new(axes, constraints);
        let points = match self.sample {
            None => self.all(&grid, &mut walk, limit, observer)?,
            Some(sample) => Some(sampled(sample, &grid, &mut walk, observer)?),
        };
        if points.as_ref().is_some_and(Points::is_empty) {
            self.report_nothing_left(axes, &walk, issues);
            return Ok(None);
        }
        Ok(points)
    }

    /// Returns all points that meet the constraints.
    fn all(
        &self,
        grid: &Grid,
        walk: &mut Walk<'_>,
        limit: usize,
        observer: &dyn ProgressObserver,
    ) -> Result<Option<Points>> {
        let mut points = PointList::new(grid);
        let mut count = 0;
        let walked = walk.run(MAX_STEPS, observer, |range| {
            count += range.end - range.start;
            if count <= limit as u64 && count < grid.size() { points.extend(range) } else { Ok(()) }
        })?;
        if !walked.is_complete {
            let message = format!(
                "{PATH} make a grid of {} points, which are too many to try the constraints on each; use fewer values or larger \
                 steps, take a sample such as sample: {{ count: 100000, seed: 1 }}, or put first the parameters that the constraints \
                 exclude",
                grid.size()
            );
            return Err(Error::new(Code::LimitExceeded, message));
        }
        if walked.points > limit as u64 {
            return Err(self.too_many(walked.points, "parameters make"));
        }
        Ok(Some(if walked.points == grid.size() { Points::All } else { points.finish() }))
    }

    fn too_many(&self, count: u64, what: &str) -> Error {
        let runs = self.runs as u64;
        let each = if runs > 1 {
            format!(
                " for each of {runs} assets and timeframes, {} in all",
                count.saturating_mul(runs)
            )
        } else {
            String::new()
        };
        let message = format!(
            "{what} {count} combinations{each}, the maximum is {}; use fewer values, larger steps or constraints, take a sample such as \
             sample: {{ count: 100000, seed: 1 }}, or raise maxCombinations (MAX_COMBINATIONS)",
            self.max_combinations
        );
        Error::new(Code::LimitExceeded, message)
    }

    /// Reports why no combination is left.
    fn report_nothing_left(&self, axes: &[Axis], walk: &Walk<'_>, issues: &mut Issues) {
        let first: Vec<f64> = axes.iter().filter_map(|axis| axis.values.first().copied()).collect();
        let settings = settings_at(self.settings, axes, &first);
        let mistakes = settings.mistakes(self.has_short_signals);
        let texts: Vec<&str> = walk.excluding().collect();
        if !texts.is_empty() {
            let message =
                format!("no combination of {PATH} meets all constraints: {}", listed(&texts));
            issues.add(PATH, "conflict", message);
        }
        for mistake in mistakes {
            let path = format!("simulation.{}", mistake.setting);
            let message = format!("{path} {}", mistake.text);
            issues.add(path, mistake.code, message);
        }
    }
}

/// Returns a sample of the points that meet the constraints.
fn sampled(
    sample: Sample,
    grid: &Grid,
    walk: &mut Walk<'_>,
    observer: &dyn ProgressObserver,
) -> Result<Points> {
    if walk.is_unconstrained() {
        if sample.count as u64 >= grid.size() {
            return Ok(Points::All);
        }
        return PointList::of(grid, sample::choose(sample, grid.size())?);
    }
    if grid.size() > MAX_WALKED {
        // Most draws meet the constraints of a usual grid.
        let max_draws = (sample.count as u64).saturating_mul(64).clamp(1 << 20, MAX_STEPS);
        let mut indices = vec![0; grid.lengths().len()];
        let mut draws = 0_u64;
        let drawn = sample::draw(sample, grid.size(), max_draws, |point| {
            draws += 1;
            if draws.is_multiple_of(1 << 16) && observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            grid.indices(point, &mut indices);
            Ok(walk.holds(&indices))
        })?;
        if drawn.is_complete {
            return PointList::of(grid, drawn.numbers);
        }
    }
    let walked = walk.run(MAX_STEPS, observer, |_| Ok(()))?;
    if !walked.is_complete {
        let message = format!(
            "sample: the constraints exclude nearly all of the {} points of the grid, so that {} combinations were not found; use \
             fewer values, a smaller sample, or put first the parameters that the constraints exclude",
            grid.size(),
            sample.count
        );
        return Err(Error::new(Code::LimitExceeded, message));
    }
    // The combinations among all that meet the constraints.
    let ranks = sample::choose(sample, walked.points)?;
    let mut ranks = ranks.into_iter().peekable();
    let mut points = PointList::new(grid);
    let mut before = 0;
    walk.run(MAX_STEPS, observer, |range| {
        let end = before + (range.end - range.start);
        while let Some(rank) = ranks.next_if(|rank| *rank < end) {
            let point = range.start + (rank - before);
            points.extend(point..point + 1)?;
        }
        before = end;
        Ok(())
    })?;
    Ok(points.finish())
}

/// Points of a grid, in as little memory as they need.
#[derive(Debug)]
struct PointList(Points);

impl PointList {
    fn new(grid: &Grid) -> Self {
        let is_narrow = grid.size() <= 1 << 32;
        Self(if is_narrow { Points::Narrow(Vec::new()) } else { Points::Wide(Vec::new()) })
    }

    /// Creates a list of points that are in order.
    fn of(grid: &Grid, points: Vec<u64>) -> Result<Points> {
        let mut list = Self::new(grid);
        if let Points::Wide(wide) = &mut list.0 {
            *wide = points;
            return Ok(list.0);
        }
        for point in points {
            list.extend(point..point + 1)?;
        }
        Ok(list.finish())
    }

    /// Appends the points of a range.
    fn extend(&mut self, range: std::ops::Range<u64>) -> Result<()> {
        const WHAT: &str = "combinations";
        let more = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        match &mut self.0 {
            Points::All => {}
            Points::Narrow(points) => {
                reserve::additional(points, more, WHAT)?;
                points.extend(range.map(|point| u32::try_from(point).unwrap_or(u32::MAX)));
            }
            Points::Wide(points) => {
                reserve::additional(points, more, WHAT)?;
                points.extend(range);
            }
        }
        Ok(())
    }

    /// Returns the points without spare memory.
    fn finish(mut self) -> Points {
        match &mut self.0 {
            Points::All => {}
            Points::Narrow(points) => points.shrink_to_fit(),
            Points::Wide(points) => points.shrink_to_fit(),
        }
        self.0
    }
}
