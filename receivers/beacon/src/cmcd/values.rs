//! What a member says, as one value of the type that is wanted.

use std::borrow::Cow;

use super::dictionary::{Element, Item, Member};

impl<'t> Member<'t> {
    fn only(&self) -> Option<&Item<'t>> {
        match self.elements.as_slice() {
            [one] if !self.is_list && one.parameters.is_empty() => Some(&one.item),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<Cow<'t, str>> {
        match self.only()? {
            Item::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The first of several codes; not all players write them as texts.
    pub(super) fn code(&self) -> Option<Cow<'t, str>> {
        match &self.elements.first()?.item {
            Item::Text(text) => Some(text.clone()),
            Item::Integer(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        match self.only()? {
            Item::Integer(number) => Some(*number),
            // not all players round
            Item::Decimal(number) => Some(number.round() as i64),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        self.only()?.number()
    }

    pub(super) fn is_true(&self) -> bool {
        let is_true = |item: &Item<'_>| *item == Item::Boolean(true);
        self.elements.iter().any(|element| is_true(&element.item))
    }

    /// The last number with this type of object.
    pub(super) fn labelled(&self, label: &str) -> Option<f64> {
        let mut elements = self.elements.iter().rev();
        let with_label = elements.find(|element| element.label() == Some(label));
        with_label?.item.number()
    }

    /// The number without a type of object.
    pub(super) fn bare(&self) -> Option<f64> {
        let mut elements = self.elements.iter();
        let bare = elements.find(|element| element.label().is_none());
        bare?.item.number()
    }

    /// The longest of what the types of objects took in all: they stall together.
    pub(super) fn longest(&self) -> Option<f64> {
        let mut numbers: Vec<(Option<&str>, f64)> = Vec::new();
        for element in &self.elements {
            numbers.extend(element.item.number().map(|ms| (element.label(), ms)));
        }
        numbers.sort_by_key(|(label, _)| *label);
        let of_label = numbers.chunk_by(|one, next| one.0 == next.0);
        let sums = of_label.map(|same| same.iter().map(|(_, ms)| ms).sum());
        sums.reduce(f64::max)
    }

    /// The items that have a type of object, with it.
    pub(super) fn by_label(&self) -> Vec<(&'t str, &Item<'t>)> {
        let labelled = |element: &'_ Element<'t>| element.label();
        let elements = self.elements.iter();
        elements
            .filter_map(|element| Some((labelled(element)?, &element.item)))
            .collect()
    }
}

impl<'t> Element<'t> {
    /// The type of the object that it is about: a parameter without a value.
    pub(super) fn label(&self) -> Option<&'t str> {
        let mut parameters = self.parameters.iter();
        let label = parameters.find(|(_, item)| *item == Item::Boolean(true));
        label.map(|(name, _)| *name)
    }
}

impl Item<'_> {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Item::Integer(number) => Some(*number as f64),
            Item::Decimal(number) => Some(*number),
            _ => None,
        }
    }
}
