//! The node kinds of the JavaScript and TypeScript grammars under one set of names, so that a
//! lowering compares small integers and is written once for three grammars.

use std::sync::OnceLock;

use smol_str::SmolStr;

use crate::module::tree::Grammar;

macro_rules! kinds {
    (
        nodes { $($node:ident = $node_name:literal,)* }
        tokens { $($token:ident = $token_name:literal,)* }
    ) => {
        /// What a node is. Kinds that need no treatment of their own are [`Kind::Unknown`] when the
        /// grammar gives them a name and [`Kind::Token`] when they are punctuation or a keyword.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            Error,
            Unknown,
            $($node,)*
            Token,
            $($token,)*
        }

        impl Kind {
            /// Whether the grammar gives it a name: everything but punctuation and keywords.
            #[inline]
            pub(super) fn is_named(self) -> bool {
                (self as u8) < (Self::Token as u8)
            }
        }

        fn kind_of(name: &str, named: bool) -> Kind {
            if named {
                match name {
                    $($node_name => Kind::$node,)*
                    _ => Kind::Unknown,
                }
            } else {
                match name {
                    $($token_name => Kind::$token,)*
                    _ => Kind::Token,
                }
            }
        }
    };
}

kinds! {
    nodes {
        AbstractClassDeclaration = "abstract_class_declaration",
        AbstractMethodSignature = "abstract_method_signature",
        AccessibilityModifier = "accessibility_modifier",
        AmbientDeclaration = "ambient_declaration",
        Arguments = "arguments",
        Array = "array",
        ArrayPattern = "array_pattern",
        ArrayType = "array_type",
        ArrowFunction = "arrow_function",
        AsExpression = "as_expression",
        Asserts = "asserts_annotation",
        AssignmentExpression = "assignment_expression",
        AssignmentPattern = "assignment_pattern",
        AugmentedAssignment = "augmented_assignment_expression",
        AwaitExpression = "await_expression",
        BinaryExpression = "binary_expression",
        BreakStatement = "break_statement",
        CallExpression = "call_expression",
        CatchClause = "catch_clause",
        ClassExpression = "class",
        ClassBody = "class_body",
        ClassDeclaration = "class_declaration",
        ClassHeritage = "class_heritage",
        ClassStaticBlock = "class_static_block",
        Comment = "comment",
        ComputedPropertyName = "computed_property_name",
        ContinueStatement = "continue_statement",
        DebuggerStatement = "debugger_statement",
        Decorator = "decorator",
        DoStatement = "do_statement",
        ElseClause = "else_clause",
        EmptyStatement = "empty_statement",
        EnumAssignment = "enum_assignment",
        EnumBody = "enum_body",
        EnumDeclaration = "enum_declaration",
        ExportClause = "export_clause",
        ExportSpecifier = "export_specifier",
        ExportStatement = "export_statement",
        ExpressionStatement = "expression_statement",
        ExtendsClause = "extends_clause",
        ExtendsTypeClause = "extends_type_clause",
        False = "false",
        FieldDefinition = "field_definition",
        FinallyClause = "finally_clause",
        ForInStatement = "for_in_statement",
        ForStatement = "for_statement",
        FormalParameters = "formal_parameters",
        FunctionDeclaration = "function_declaration",
        FunctionExpression = "function_expression",
        FunctionSignature = "function_signature",
        GeneratorFunction = "generator_function",
        GeneratorFunctionDeclaration = "generator_function_declaration",
        GenericType = "generic_type",
        HashBang = "hash_bang_line",
        HtmlCharacterReference = "html_character_reference",
        HtmlComment = "html_comment",
        Identifier = "identifier",
        IfStatement = "if_statement",
        ImplementsClause = "implements_clause",
        Import = "import",
        ImportAlias = "import_alias",
        ImportAttribute = "import_attribute",
        ImportClause = "import_clause",
        ImportRequireClause = "import_require_clause",
        ImportSpecifier = "import_specifier",
        ImportStatement = "import_statement",
        InstantiationExpression = "instantiation_expression",
        InterfaceBody = "interface_body",
        InterfaceDeclaration = "interface_declaration",
        InternalModule = "internal_module",
        IntersectionType = "intersection_type",
        JsxAttribute = "jsx_attribute",
        JsxClosingElement = "jsx_closing_element",
        JsxElement = "jsx_element",
        JsxExpression = "jsx_expression",
        JsxNamespaceName = "jsx_namespace_name",
        JsxOpeningElement = "jsx_opening_element",
        JsxSelfClosingElement = "jsx_self_closing_element",
        JsxText = "jsx_text",
        LabeledStatement = "labeled_statement",
        LexicalDeclaration = "lexical_declaration",
        LiteralType = "literal_type",
        MemberExpression = "member_expression",
        MetaProperty = "meta_property",
        MethodDefinition = "method_definition",
        MethodSignature = "method_signature",
        Module = "module",
        NamedImports = "named_imports",
        NamespaceExport = "namespace_export",
        NamespaceImport = "namespace_import",
        NestedIdentifier = "nested_identifier",
        NestedTypeIdentifier = "nested_type_identifier",
        NewExpression = "new_expression",
        NonNullExpression = "non_null_expression",
        Null = "null",
        Number = "number",
        Object = "object",
        ObjectAssignmentPattern = "object_assignment_pattern",
        ObjectPattern = "object_pattern",
        ObjectType = "object_type",
        OptionalChain = "optional_chain",
        OptionalParameter = "optional_parameter",
        OverrideModifier = "override_modifier",
        Pair = "pair",
        PairPattern = "pair_pattern",
        ParenthesizedExpression = "parenthesized_expression",
        ParenthesizedType = "parenthesized_type",
        PredefinedType = "predefined_type",
        PrivatePropertyIdentifier = "private_property_identifier",
        PropertyIdentifier = "property_identifier",
        PropertySignature = "property_signature",
        PublicFieldDefinition = "public_field_definition",
        ReadonlyType = "readonly_type",
        Regex = "regex",
        RequiredParameter = "required_parameter",
        RestPattern = "rest_pattern",
        ReturnStatement = "return_statement",
        SatisfiesExpression = "satisfies_expression",
        SequenceExpression = "sequence_expression",
        ShorthandProperty = "shorthand_property_identifier",
        ShorthandPropertyPattern = "shorthand_property_identifier_pattern",
        SpreadElement = "spread_element",
        StatementBlock = "statement_block",
        StatementIdentifier = "statement_identifier",
        Str = "string",
        SubscriptExpression = "subscript_expression",
        Super = "super",
        SwitchBody = "switch_body",
        SwitchCase = "switch_case",
        SwitchDefault = "switch_default",
        SwitchStatement = "switch_statement",
        TemplateString = "template_string",
        TemplateSubstitution = "template_substitution",
        TernaryExpression = "ternary_expression",
        This = "this",
        ThisType = "this_type",
        ThrowStatement = "throw_statement",
        True = "true",
        TryStatement = "try_statement",
        TupleType = "tuple_type",
        TypeAliasDeclaration = "type_alias_declaration",
        TypeAnnotation = "type_annotation",
        TypeArguments = "type_arguments",
        TypeAssertion = "type_assertion",
        TypeIdentifier = "type_identifier",
        TypeParameters = "type_parameters",
        TypePredicate = "type_predicate_annotation",
        TypeQuery = "type_query",
        UnaryExpression = "unary_expression",
        Undefined = "undefined",
        UnionType = "union_type",
        UpdateExpression = "update_expression",
        UsingDeclaration = "using_declaration",
        VariableDeclaration = "variable_declaration",
        VariableDeclarator = "variable_declarator",
        WhileStatement = "while_statement",
        WithStatement = "with_statement",
        YieldExpression = "yield_expression",
    }
    tokens {
        Arrow = "=>",
        AsWord = "as",
        AsyncWord = "async",
        Colon = ":",
        Comma = ",",
        DefaultWord = "default",
        Equals = "=",
        GlobalWord = "global",
        NamespaceWord = "namespace",
        ReadonlyWord = "readonly",
        Star = "*",
        TypeWord = "type",
        TypeofWord = "typeof",
    }
}

/// The kinds and fields of one grammar by their numbers.
pub(super) struct Table {
    kinds: Vec<Kind>,
    /// `for (initializer; …; …)`.
    pub(super) initializer: u16,
    /// `for (…; condition; …)`.
    pub(super) condition: u16,
    /// `for (…; …; increment)`.
    pub(super) increment: u16,
}

impl Table {
    fn new(grammar: Grammar) -> Self {
        let fields = grammar.fields(|name| SmolStr::new(name));
        let field = |name: &str| {
            let id = fields.iter().position(|field| field == name);
            id.and_then(|id| u16::try_from(id).ok()).unwrap_or(u16::MAX)
        };
        Self {
            kinds: grammar.kinds(kind_of),
            initializer: field("initializer"),
            condition: field("condition"),
            increment: field("increment"),
        }
    }

    /// The table of a grammar, made once per process.
    pub(super) fn of(grammar: Grammar) -> &'static Self {
        static JAVASCRIPT: OnceLock<Table> = OnceLock::new();
        static TYPESCRIPT: OnceLock<Table> = OnceLock::new();
        static TSX: OnceLock<Table> = OnceLock::new();
        let table = match grammar {
            Grammar::TypeScript => &TYPESCRIPT,
            Grammar::Tsx => &TSX,
            _ => &JAVASCRIPT,
        };
        table.get_or_init(|| Self::new(grammar))
    }

    /// The kind of a node. The parser's own `ERROR` has a number beyond every table.
    #[inline]
    pub(super) fn kind(&self, id: u16) -> Kind {
        self.kinds.get(usize::from(id)).copied().unwrap_or(Kind::Error)
    }
}
