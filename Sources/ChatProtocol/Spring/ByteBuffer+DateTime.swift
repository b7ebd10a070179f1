import Bytes

extension ByteBuffer {
  /// Appends a time as `2026-11-24T23:40:00.123Z` (RFC 3339). Years beyond 9999 get more digits.
  mutating func append(dateTime timestamp: Timestamp) {
    let (seconds, milliseconds) = timestamp.floored(by: 1000)
    let (days, time) = seconds.floored(by: 86_400)
    let (year, month, day) = Self.date(ofDay: days)
    append(year, digits: 4)
    append("-")
    append(month, digits: 2)
    append("-")
    append(day, digits: 2)
    append("T")
    append(time / 3600, digits: 2)
    append(":")
    append(time / 60 % 60, digits: 2)
    append(":")
    append(time % 60, digits: 2)
    append(".")
    append(milliseconds, digits: 3)
    append("Z")
  }

  /// The date so many days after 1970-01-01, in the Gregorian calendar.
  ///
  /// Counts in years that begin in March, so that the leap day is the last of its year, and in the
  /// 400 years after which the calendar repeats itself.
  private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (day + 719_468).floored(by: 146_097)
    let leapDays = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
    let yearOfEra = (dayOfEra - leapDays) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // The months from March on have 153 days in five.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfMonth)
  }

  private mutating func append(_ number: Int64, digits: Int) {
    let text = String(number)
    for _ in text.utf8.count..<max(digits, text.utf8.count) { append("0") }
    append(utf8: text)
  }
}

extension Int64 {
  /// Quotient and remainder, the latter never negative.
  fileprivate func floored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
