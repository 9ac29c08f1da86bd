//! What this library tells who writes a calendar.

kernel::catalogue! {
    never_open()
        "the calendar is never open; give at least one interval"
        "该日历没有任何营业时间，请至少填写一个时段";
    closed_weekday(weekday) "{weekday} has no hours in the week" "每周安排中 {weekday} 没有营业时间";
    day_without_interval()
        "no interval; enter a whole day off as a holiday"
        "没有时段；全天休息请登记为节假日";
    date_twice(date) "{date} is given twice" "{date} 重复出现";
    year_out_of_range(date)
        "{date} is outside the years 1900 to 2999"
        "{date} 不在 1900 至 2999 年之间";
    no_interval(given)
        "\"{given}\" is not an interval of the form HH:MM-HH:MM"
        "“{given}”不是 HH:MM-HH:MM 形式的时段";
    starts_at_midnight(given)
        "\"{given}\" starts at 24:00; use 00:00 of the next day"
        "“{given}”从 24:00 开始，请改用次日 00:00";
    empty_interval(given)
        "\"{given}\" is empty; a whole day is 00:00-24:00"
        "“{given}”时长为零；全天请写 00:00-24:00";
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_whole_in_both_languages() {
        assert_eq!(kernel::faults_of_catalogue(super::CATALOGUE), [""; 0]);
    }
}
