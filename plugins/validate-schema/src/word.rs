//! Which keywords there are, and what each one's value has to be.

/// Keywords, and what a schema says besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Word {
    Ref,
    DynamicRef,
    Type,
    Enum,
    Const,
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
    MultipleOf,
    MinLength,
    MaxLength,
    Pattern,
    Format,
    MinItems,
    MaxItems,
    UniqueItems,
    MinProperties,
    MaxProperties,
    Required,
    DependentRequired,
    Dependencies,
    AllOf,
    AnyOf,
    OneOf,
    Not,
    If,
    Then,
    Else,
    DependentSchemas,
    Properties,
    PatternProperties,
    AdditionalProperties,
    PropertyNames,
    UnevaluatedProperties,
    PrefixItems,
    Items,
    AdditionalItems,
    Contains,
    MinContains,
    MaxContains,
    UnevaluatedItems,
    Definitions,
    /// What says nothing of a value.
    Note,
}

/// What a keyword's value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Schema,
    Schemas,
    SchemaOrSchemas,
    SchemaMap,
    /// Schemas by names that are regular expressions.
    PatternMap,
    /// `dependencies` of draft-07: schemas or lists of names.
    Dependencies,
    Types,
    Names,
    NameMap,
    List,
    Count,
    Number,
    Divisor,
    Flag,
    Pattern,
    Text,
    Reference,
    Anything,
}

impl Word {
    /// The keyword of this name. Most names are no keywords, and are told so by their length and two of their bytes.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let [first, second, ..] = name.as_bytes() else { return None };
        let from = FIRST_OF_LENGTH.get(name.len())?;
        let of_length = NAMES[usize::from(*from)..].iter().take_while(|(known, _)| known.len() == name.len());
        let mut alike = of_length.filter(|(known, _)| known.as_bytes()[..2] == [*first, *second]);
        alike.find(|(known, _)| *known == name).map(|(_, word)| *word)
    }

    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::AdditionalProperties
            | Self::PropertyNames
            | Self::UnevaluatedProperties
            | Self::AdditionalItems
            | Self::Contains
            | Self::UnevaluatedItems
            | Self::Not
            | Self::If
            | Self::Then
            | Self::Else => Shape::Schema,
            Self::AllOf | Self::AnyOf | Self::OneOf | Self::PrefixItems => Shape::Schemas,
            Self::Items => Shape::SchemaOrSchemas,
            Self::Properties | Self::Definitions | Self::DependentSchemas => Shape::SchemaMap,
            Self::PatternProperties => Shape::PatternMap,
            Self::Dependencies => Shape::Dependencies,
            Self::Type => Shape::Types,
            Self::Required => Shape::Names,
            Self::DependentRequired => Shape::NameMap,
            Self::Enum => Shape::List,
            Self::MinLength
            | Self::MaxLength
            | Self::MinItems
            | Self::MaxItems
            | Self::MinContains
            | Self::MaxContains
            | Self::MinProperties
            | Self::MaxProperties => Shape::Count,
            Self::Minimum | Self::Maximum | Self::ExclusiveMinimum | Self::ExclusiveMaximum => Shape::Number,
            Self::MultipleOf => Shape::Divisor,
            Self::UniqueItems => Shape::Flag,
            Self::Pattern => Shape::Pattern,
            Self::Format => Shape::Text,
            Self::Ref | Self::DynamicRef => Shape::Reference,
            Self::Const | Self::Note => Shape::Anything,
        }
    }
}

/// All keywords, the shortest first.
const NAMES: [(&str, Word); 60] = [
    ("if", Word::If),
    ("not", Word::Not),
    ("$id", Word::Note),
    ("type", Word::Type),
    ("enum", Word::Enum),
    ("$ref", Word::Ref),
    ("then", Word::Then),
    ("else", Word::Else),
    ("title", Word::Note),
    ("items", Word::Items),
    ("const", Word::Const),
    ("allOf", Word::AllOf),
    ("anyOf", Word::AnyOf),
    ("oneOf", Word::OneOf),
    ("$defs", Word::Definitions),
    ("format", Word::Format),
    ("default", Word::Note),
    ("$schema", Word::Note),
    ("$anchor", Word::Note),
    ("minimum", Word::Minimum),
    ("maximum", Word::Maximum),
    ("pattern", Word::Pattern),
    ("required", Word::Required),
    ("examples", Word::Note),
    ("readOnly", Word::Note),
    ("$comment", Word::Note),
    ("minItems", Word::MinItems),
    ("maxItems", Word::MaxItems),
    ("contains", Word::Contains),
    ("minLength", Word::MinLength),
    ("maxLength", Word::MaxLength),
    ("writeOnly", Word::Note),
    ("properties", Word::Properties),
    ("multipleOf", Word::MultipleOf),
    ("deprecated", Word::Note),
    ("description", Word::Note),
    ("$vocabulary", Word::Note),
    ("uniqueItems", Word::UniqueItems),
    ("prefixItems", Word::PrefixItems),
    ("definitions", Word::Definitions),
    ("minContains", Word::MinContains),
    ("maxContains", Word::MaxContains),
    ("$dynamicRef", Word::DynamicRef),
    ("dependencies", Word::Dependencies),
    ("propertyNames", Word::PropertyNames),
    ("minProperties", Word::MinProperties),
    ("maxProperties", Word::MaxProperties),
    ("contentSchema", Word::Note),
    ("$dynamicAnchor", Word::Note),
    ("contentEncoding", Word::Note),
    ("additionalItems", Word::AdditionalItems),
    ("contentMediaType", Word::Note),
    ("dependentSchemas", Word::DependentSchemas),
    ("exclusiveMinimum", Word::ExclusiveMinimum),
    ("exclusiveMaximum", Word::ExclusiveMaximum),
    ("unevaluatedItems", Word::UnevaluatedItems),
    ("patternProperties", Word::PatternProperties),
    ("dependentRequired", Word::DependentRequired),
    ("additionalProperties", Word::AdditionalProperties),
    ("unevaluatedProperties", Word::UnevaluatedProperties),
];

/// Where in them the names of each length begin.
const FIRST_OF_LENGTH: [u8; 22] = {
    let (mut first, mut length) = ([0; 22], 0);
    while length < 22 {
        let mut at = 0;
        while at < NAMES.len() && NAMES[at].0.len() < length {
            at += 1;
        }
        #[allow(clippy::cast_possible_truncation)] // there are fewer than 256
        let at = at as u8;
        first[length] = at;
        length += 1;
    }
    first
};

/// Some of the keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words(u64);

impl Words {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn of(words: &[Word]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < words.len() {
            bits |= 1 << words[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    pub(crate) fn add(&mut self, word: Word) {
        self.0 |= 1 << word as u8;
    }

    pub(crate) fn has(self, word: Word) -> bool {
        self.0 & 1 << word as u8 != 0
    }

    /// Whether any is in both.
    pub(crate) fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
