//! The views and APIs that Flask-AppBuilder brings, by their names: what a class that is built on one
//! of them answers without saying it.

use Access::{Open, Protected};

/// Whether a method of the library asks who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It asks for a permission.
    Protected,
    /// It does not.
    Open,
}

/// A method of a class of the library that answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Builtin {
    /// The method.
    pub name: &'static str,
    /// Its path below the class's.
    pub path: &'static str,
    /// The methods of HTTP.
    pub verbs: &'static [&'static str],
    /// Who may call it.
    pub access: Access,
}

const fn of(
    name: &'static str,
    path: &'static str,
    verbs: &'static [&'static str],
    access: Access,
) -> Builtin {
    Builtin { name, path, verbs, access }
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const BOTH: &[&str] = &["GET", "POST"];

const MODEL_VIEW: &[Builtin] = &[
    of("list", "/list/", GET, Protected),
    of("show", "/show/<pk>", GET, Protected),
    of("add", "/add", BOTH, Protected),
    of("edit", "/edit/<pk>", BOTH, Protected),
    of("delete", "/delete/<pk>", BOTH, Protected),
    of("download", "/download/<string:filename>", GET, Protected),
    of("action", "/action/<string:name>/<pk>", BOTH, Protected),
    of("action_post", "/action_post", POST, Protected),
];
const COMPACT: &[Builtin] = &[
    of("list", "/list/", BOTH, Protected),
    of("add", "/add/", BOTH, Protected),
    of("edit", "/edit/<pk>", BOTH, Protected),
    of("delete", "/delete/<pk>", BOTH, Protected),
];
const MASTER: &[Builtin] =
    &[of("list", "/list/", GET, Protected), of("list", "/list/<pk>", GET, Protected)];
const LIST: &[Builtin] = &[of("list", "/list/", GET, Protected)];
const FORM: &[Builtin] =
    &[of("this_form_get", "/form", GET, Protected), of("this_form_post", "/form", POST, Protected)];
const PUBLIC_FORM: &[Builtin] =
    &[of("this_form_get", "/form", GET, Open), of("this_form_post", "/form", POST, Open)];
const CHART: &[Builtin] =
    &[of("chart", "/chart/<group_by>", GET, Protected), of("chart", "/chart/", GET, Protected)];
const TIME_CHART: &[Builtin] = &[
    of("chart", "/chart/<group_by>/<period>", GET, Protected),
    of("chart", "/chart/", GET, Protected),
];
const INDEX: &[Builtin] = &[of("index", "/", GET, Open)];
const REST_API: &[Builtin] = &[
    of("info", "/_info", GET, Protected),
    of("get", "/<int:pk>", GET, Protected),
    of("get_list", "/", GET, Protected),
    of("post", "/", POST, Protected),
    of("put", "/<pk>", &["PUT"], Protected),
    of("delete", "/<pk>", &["DELETE"], Protected),
];
const REGISTER: &[Builtin] = &[of("activation", "/activation/<string:activation_hash>", GET, Open)];
const USERS: &[Builtin] = &[of("userinfo", "/userinfo/", GET, Protected)];
const LOGIN: &[Builtin] = &[of("login", "/login/", BOTH, Open)];
const REMOTE_LOGIN: &[Builtin] = &[of("login", "/login/", GET, Open)];
const OAUTH_LOGIN: &[Builtin] = &[
    of("login", "/login/", GET, Open),
    of("login", "/login/<provider>", GET, Open),
    of("oauth_authorized", "/oauth-authorized/<provider>", GET, Open),
];
const SAML_LOGIN: &[Builtin] = &[
    of("login", "/login/", GET, Open),
    of("login", "/login/<idp>", GET, Open),
    of("acs", "/saml/acs/", POST, Open),
    of("slo", "/saml/slo/", BOTH, Open),
    of("metadata", "/saml/metadata/", GET, Open),
    of("metadata", "/saml/metadata/<idp>", GET, Open),
];
const LOGOUT: &[Builtin] = &[of("logout", "/logout/", GET, Open)];
const SECURITY_API: &[Builtin] =
    &[of("login", "/login", POST, Open), of("refresh", "/refresh", POST, Protected)];
const ROLE_API: &[Builtin] = &[
    of("list_role_permissions", "/<int:role_id>/permissions/", GET, Protected),
    of("add_role_permissions", "/<int:role_id>/permissions", POST, Protected),
    of("update_role_users", "/<int:role_id>/users", &["PUT"], Protected),
    of("update_role_groups", "/<int:role_id>/groups", &["PUT"], Protected),
];

/// The name of a class of Flask-AppBuilder that is a view or an API; `None` for other classes.
pub(super) fn class(path: &str) -> Option<&str> {
    let name = path.rsplit('.').next()?;
    let is_view = name.ends_with("View")
        || name.ends_with("Api")
        || matches!(name, "CompactCRUDMixin" | "BaseRegisterUser");
    (path.starts_with("flask_appbuilder.") && is_view).then_some(name)
}

/// What a class of the library answers.
pub(super) fn methods(name: &str) -> Vec<Builtin> {
    let tables: &[&[Builtin]] = match name {
        "ModelView"
        | "RoleModelView"
        | "UserGroupModelView"
        | "RegisterUserModelView"
        | "PermissionModelView"
        | "ViewMenuModelView"
        | "PermissionViewModelView" => &[MODEL_VIEW],
        "CompactCRUDMixin" => &[COMPACT],
        "MasterDetailView" => &[MASTER],
        "MultipleView" => &[LIST],
        "SimpleFormView" | "ResetMyPasswordView" | "ResetPasswordView" | "UserInfoEditView" => {
            &[FORM]
        }
        "PublicFormView" => &[PUBLIC_FORM],
        name if name.contains("RegisterUser") => &[PUBLIC_FORM, REGISTER],
        "TimeChartView" => &[TIME_CHART],
        name if name.ends_with("ChartView") && !name.starts_with("Base") => &[CHART],
        "IndexView" => &[INDEX],
        "AuthView" | "AuthDBView" | "AuthLDAPView" | "AuthOIDView" => &[LOGIN, LOGOUT],
        "AuthOAuthView" => &[OAUTH_LOGIN, LOGOUT],
        "AuthRemoteUserView" => &[REMOTE_LOGIN, LOGOUT],
        "AuthSAMLView" => &[SAML_LOGIN, LOGOUT],
        name if name.starts_with("User") && name.ends_with("ModelView") => &[MODEL_VIEW, USERS],
        "SecurityApi" => &[SECURITY_API],
        "RoleApi" => &[REST_API, ROLE_API],
        "ModelRestApi"
        | "UserApi"
        | "GroupApi"
        | "PermissionApi"
        | "PermissionViewMenuApi"
        | "ViewMenuApi" => &[REST_API],
        _ => &[],
    };
    tables.concat()
}

/// The path that a class of the library lies below, where it says one.
pub(super) fn base(name: &str) -> Option<&'static str> {
    Some(match name {
        "IndexView" => "",
        name if name.starts_with("Auth") => "",
        "RoleModelView" => "/roles",
        "UserGroupModelView" => "/groups",
        "RegisterUserModelView" => "/registeruser",
        "PermissionModelView" => "/permissions",
        "ViewMenuModelView" => "/viewmenus",
        "PermissionViewModelView" => "/permissionviews",
        "ResetMyPasswordView" => "/resetmypassword",
        "ResetPasswordView" => "/resetpassword",
        "SecurityApi" => "/api/v1/security",
        name if name.contains("RegisterUser") => "/register",
        name if name.starts_with("User") && name.ends_with("ModelView") => "/users",
        _ => return None,
    })
}

/// The resource that an API of the library is about.
pub(super) fn resource(name: &str) -> Option<&'static str> {
    Some(match name {
        "RoleApi" => "security/roles",
        "UserApi" => "security/users",
        "GroupApi" => "security/groups",
        "PermissionApi" => "security/permissions",
        "PermissionViewMenuApi" => "security/permissions-resources",
        "ViewMenuApi" => "security/resources",
        _ => return None,
    })
}

/// The attributes of a security manager that name views which it registers, each with the types of
/// authentication for which it does; none is all.
pub(super) const OF_MANAGER: &[(&str, &[u8])] = &[
    ("authoidview", &[0]),
    ("authdbview", &[1]),
    ("authldapview", &[2]),
    ("authremoteuserview", &[3]),
    ("authoauthview", &[4]),
    ("authsamlview", &[5]),
    ("useroidmodelview", &[0]),
    ("userdbmodelview", &[1]),
    ("userldapmodelview", &[2]),
    ("userremoteusermodelview", &[3]),
    ("useroauthmodelview", &[4]),
    ("usersamlmodelview", &[5]),
    ("resetpasswordview", &[1]),
    ("resetmypasswordview", &[1]),
    ("userinfoeditview", &[]),
    ("rolemodelview", &[]),
    ("groupmodelview", &[]),
    ("userstatschartview", &[]),
    ("permissionmodelview", &[]),
    ("viewmenumodelview", &[]),
    ("permissionviewmodelview", &[]),
    ("security_api", &[]),
];

/// The number of a type of authentication by its name.
pub(super) fn auth_type(name: &str) -> Option<u8> {
    let names = ["AUTH_OID", "AUTH_DB", "AUTH_LDAP", "AUTH_REMOTE_USER", "AUTH_OAUTH", "AUTH_SAML"];
    names.iter().position(|known| *known == name).and_then(|at| u8::try_from(at).ok())
}
