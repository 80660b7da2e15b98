//! Numbers of many.

/// The number below which this share of all lies; NaN where there are none.
pub fn quantile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(index.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

/// The one in the middle.
pub fn median(numbers: &[f64]) -> f64 {
    quantile(numbers, 0.5)
}

/// With three digits that say something.
pub fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let scale = 10_f64.powi(2 - number.abs().log10().floor() as i32);
    (number * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numbers_of_the_many() {
        let numbers: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((median(&numbers), quantile(&numbers, 0.99)), (50.0, 99.0));
        assert_eq!((quantile(&numbers, 0.0), quantile(&numbers, 1.0)), (1.0, 100.0));
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn three_digits_are_left() {
        assert_eq!((rounded(1234.5), rounded(0.012_345), rounded(0.0)), (1230.0, 0.0123, 0.0));
    }
}
