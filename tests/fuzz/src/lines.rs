//! Texts changed by whole lines: one taken away, doubled, moved, put elsewhere, or with another's value.

/// The text with one such change, of which `seed` says which.
pub fn mutate(text: &str, seed: u32) -> String {
    let mut dice = Dice(u64::from(seed) | 1 << 32);
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let (from, to) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(6) {
        0 => drop(lines.remove(from)),
        1 => lines.insert(to, lines[from].clone()),
        2 => lines.swap(from, to),
        3 => {
            let line = lines.remove(from);
            lines.insert(to.min(lines.len()), line);
        }
        // A paragraph, which in TOML is a table.
        4 => {
            let end = lines[from..].iter().position(|line| line.is_empty()).map_or(lines.len(), |at| from + at);
            let paragraph: Vec<String> = lines[from..end].to_vec();
            lines.splice(to..to, paragraph);
        }
        _ => {
            let value = lines[to].split_once('=').map(|(_, value)| value.to_owned());
            if let (Some((key, _)), Some(value)) = (lines[from].clone().split_once('='), value) {
                lines[from] = format!("{key}={value}");
            }
        }
    }
    lines.join("\n")
}

/// Xorshift (Marsaglia, 2003): the fuzzer's seed has to lead to the same text each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap_or_default()
    }
}
