use std::fmt::{Display, Formatter};
use std::str::FromStr;

use crate::engine::Weight;

/// What a child is told on its command line, where it knows it before it reads anything: what to compile for, and
/// within which limits. Its text is `light,536870912,10`: engine, bytes of memory, seconds of processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    pub(crate) weight: Weight,
    pub(crate) memory_bytes: u64,
    pub(crate) cpu_time_s: u64,
}

/// Not the text of a [`Job`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job is `light` or `heavy`, bytes of memory and seconds of processor time, as `light,536870912,10`")]
pub struct BadJob;

impl Display for Job {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{},{}", self.weight.word(), self.memory_bytes, self.cpu_time_s)
    }
}

impl FromStr for Job {
    type Err = BadJob;

    fn from_str(text: &str) -> Result<Self, BadJob> {
        let mut parts = text.split(',');
        let (Some(word), Some(memory), Some(time), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadJob);
        };
        let weight = [Weight::Light, Weight::Heavy].into_iter().find(|weight| weight.word() == word).ok_or(BadJob)?;
        let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0).ok_or(BadJob);
        Ok(Self { weight, memory_bytes: number(memory)?, cpu_time_s: number(time)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_what_its_text_says() {
        for weight in [Weight::Light, Weight::Heavy] {
            let job = Job { weight, memory_bytes: 1 << 40, cpu_time_s: 3600 };
            assert_eq!(job.to_string().parse(), Ok(job));
        }
        for text in
            ["", "light", "light,1", "light,1,1,1", "light,1,-1", "light,0,1", "light,1,0", "Light,1,1", "x,1,1"]
        {
            assert_eq!(text.parse::<Job>(), Err(BadJob), "{text}");
        }
    }
}
