//! Drawings, written as text.

use std::fmt::Write as _;

use serde_json::Value;

const COLOURS: [&str; 10] = [
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5",
    "#9c6b4e", "#9498a0",
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn open(width: f64, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    )
}

/// How far each result is from its goal: 1 is the goal, longer is better.
pub fn bars(results: &[Value]) -> String {
    let with_goal: Vec<&Value> = results.iter().filter(|r| r["goal"].is_f64()).collect();
    let (left, scale, row) = (330.0, 220.0, 24.0);
    #[allow(clippy::cast_precision_loss, reason = "some dozens of rows")]
    let height = 60.0 + row * with_goal.len() as f64;
    let mut out = open(left + scale * 3.0 + 130.0, height);
    let _ = writeln!(
        out,
        "<text x=\"12\" y=\"22\" font-size=\"14\">Measured against the goal (line): longer is better</text>"
    );
    let mut y = 40.0;
    for result in with_goal {
        let number = |name: &str| result[name].as_f64().unwrap_or_default();
        let (ratio, goal) = (number("ratio"), number("goal"));
        let at_least = result["at_least"] == true;
        let share = if at_least { ratio / goal } else { goal / ratio.max(1e-9) };
        let colour = if result["met"] == true { "#3ca951" } else { "#ff725c" };
        let width = scale * share.min(3.0);
        let sign = if at_least { "≥" } else { "≤" };
        let what = escaped(result["what"].as_str().unwrap_or_default());
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{what}</text>\
             <rect x=\"{left}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{ratio:.2} ({sign} {goal})</text>",
            left - 8.0,
            y + 13.0,
            left + width.max(scale) + 6.0,
            y + 13.0
        );
        y += row;
    }
    let at = left + scale;
    let _ = writeln!(
        out,
        "<line x1=\"{at}\" x2=\"{at}\" y1=\"32\" y2=\"{y:.0}\" stroke=\"black\"/>\n</svg>"
    );
    out
}

/// Curves over time: each a name and (seconds, value) points.
pub fn curves(title: &str, unit: &str, series: &[(String, Vec<(f64, f64)>)]) -> String {
    let (width, height, left, top) = (900.0, 480.0, 60.0, 40.0);
    let (wide, high) = (width - left - 190.0, height - top - 40.0);
    let points = || series.iter().flat_map(|(_, points)| points.iter());
    let last = points().map(|p| p.0).fold(1.0, f64::max);
    let most = points().map(|p| p.1).fold(1.0, f64::max) * 1.05;
    let mut out = open(width, height);
    let _ = writeln!(out, "<text x=\"12\" y=\"22\" font-size=\"14\">{}</text>", escaped(title));
    for n in 0..=4 {
        let share = f64::from(n) / 4.0;
        let (x, y) = (left + wide * share, top + high * (1.0 - share));
        let _ = writeln!(
            out,
            "<line x1=\"{left}\" x2=\"{:.0}\" y1=\"{y:.0}\" y2=\"{y:.0}\" stroke=\"#ddd\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{:.0} {unit}</text>\
             <text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{:.1} min</text>",
            left + wide,
            left - 4.0,
            y + 4.0,
            most * share,
            top + high + 18.0,
            last * share / 60.0
        );
    }
    for ((name, points), (n, colour)) in series.iter().zip(COLOURS.iter().cycle().enumerate()) {
        let line: Vec<String> = points
            .iter()
            .map(|(t, v)| {
                format!("{:.1},{:.1}", left + wide * t / last, top + high * (1.0 - v / most))
            })
            .collect();
        #[allow(clippy::cast_precision_loss, reason = "some curves")]
        let y = top + 14.0 + 18.0 * n as f64;
        let _ = writeln!(
            out,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>\
             <text x=\"{:.0}\" y=\"{y:.0}\" fill=\"{colour}\">{}</text>",
            line.join(" "),
            left + wide + 10.0,
            escaped(name)
        );
    }
    out + "</svg>\n"
}
