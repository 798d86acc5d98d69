//! What becomes of values when a field goes into one of another type: said before anything is migrated.

use crate::record::FieldType;

/// How the values of one type fit into another. What does not fit is a [`Loss`](crate::error::Loss) on its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Every value is migrated whole.
    Whole,
    /// Some are not, or not whole: what is lost.
    Part(&'static str),
    /// None is, unless a rule names values.
    Never,
}

/// The rule by which [`convert`](super::convert) goes from one type to the other.
pub fn fit(from: FieldType, to: FieldType) -> Fit {
    use FieldType::{
        Bool, Date, DateTime, Decimal, File, LongText, Lookup, MultiSelect, Number, Select, Text, Tree, Url, User,
    };
    match (from, to) {
        (User | Lookup | File, _) | (_, File) => Fit::Never,
        (from, to) if from == to => Fit::Whole,
        (_, User | Lookup) => Fit::Part("values the target does not have"),
        (_, Text | LongText) => Fit::Whole,
        (Number, Decimal) | (Date, DateTime) | (Select | Tree, MultiSelect) => Fit::Whole,
        (Select, Tree) => Fit::Whole,
        (DateTime, Date) => Fit::Part("the time of day"),
        (Decimal, Number) => Fit::Part("numbers with a fraction"),
        (MultiSelect, Select | Tree) => Fit::Part("all but the first of several"),
        (Tree, Select) => Fit::Part("the levels the target does not have"),
        (_, Select | MultiSelect | Tree) => Fit::Part("values that are not options in the target"),
        (Text | LongText | Select | MultiSelect | Tree | Number, Bool) => Fit::Part("what is neither yes nor no"),
        (Text | LongText | Select | MultiSelect | Tree | Url, Number | Decimal) => {
            Fit::Part("values that are not numbers")
        }
        (Text | LongText | Select | MultiSelect | Tree, Date | DateTime) => Fit::Part("values that are not dates"),
        (Text | LongText | Select | MultiSelect | Tree, Url) => Fit::Part("values that are not addresses"),
        (Bool, Number | Decimal) => Fit::Never,
        _ => Fit::Never,
    }
}

/// The type a field of the source takes when it is made in a target that has these; none where nothing holds its values.
pub fn makeable(from: FieldType, makes: &[FieldType]) -> Option<FieldType> {
    use FieldType::{
        Bool, Date, DateTime, Decimal, File, LongText, Lookup, MultiSelect, Number, Select, Text, Tree, Url, User,
    };
    let chain: &[FieldType] = match from {
        Text => &[Text, LongText],
        LongText => &[LongText],
        Number => &[Number, Decimal, Text],
        Decimal => &[Decimal, Text],
        Date => &[Date, Text],
        DateTime => &[DateTime, Text],
        Bool => &[Bool, Text],
        Select => &[Select, Text],
        MultiSelect => &[MultiSelect, LongText],
        Tree => &[Tree, Select, Text],
        Url => &[Url, Text],
        User | Lookup | File => &[],
    };
    chain.iter().copied().find(|to| makes.contains(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::convert;
    use crate::record::{Field, Kind};
    use serde_json::{Value, json};

    fn field(field_type: FieldType) -> Field {
        Field { scope: Kind::Ticket, key: "k".into(), title: "K".into(), field_type, required: false, options: vec![] }
    }

    /// A usual value of a type.
    fn usual(of: FieldType) -> Value {
        match of {
            FieldType::Number => json!(3),
            FieldType::Decimal => json!(1.5),
            FieldType::Date => json!("2024-05-01"),
            FieldType::DateTime => json!("2024-05-01T10:00:00Z"),
            FieldType::Bool => json!(true),
            FieldType::MultiSelect => json!(["a", "b"]),
            FieldType::Url => json!("https://a.example/"),
            _ => json!("a"),
        }
    }

    #[test]
    fn what_is_said_to_fit_is_carried_whole_and_what_is_said_never_to_is_lost() {
        for &from in FieldType::ALL {
            for &to in FieldType::ALL {
                let converted = convert(&usual(from), Some(&field(from)), &field(to), None).unwrap();
                match fit(from, to) {
                    Fit::Whole => assert!(converted.losses.is_empty(), "{from} → {to}"),
                    Fit::Never => assert!(converted.value.is_null() && !converted.losses.is_empty(), "{from} → {to}"),
                    Fit::Part(_) => {}
                }
            }
        }
    }

    #[test]
    fn a_field_that_is_made_holds_every_value_of_its_source() {
        let makes = [FieldType::Text, FieldType::LongText, FieldType::Number, FieldType::Select];
        for &from in FieldType::ALL {
            if let Some(to) = makeable(from, &makes) {
                assert!(
                    fit(from, to) == Fit::Whole || (from, to) == (FieldType::Tree, FieldType::Select),
                    "{from} → {to}"
                );
            }
        }
        assert_eq!(makeable(FieldType::File, &makes), None);
        assert_eq!(makeable(FieldType::MultiSelect, &[FieldType::Select]), None);
    }
}
