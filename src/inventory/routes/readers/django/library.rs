//! Views of Django itself.

use crate::inventory::routes::AuthState;

/// What is known of a view of a library.
pub(super) struct Known {
    /// The methods that it answers, and whether that is known.
    pub methods: (Vec<String>, bool),
    /// What it does to an anonymous caller by itself.
    pub state: Option<AuthState>,
    /// Whether it needs no login where all others do.
    pub is_exempt: bool,
}

/// What is known of a view, which is a class or a function, by its dotted path.
pub(super) fn view(path: &str) -> Known {
    let name = path.rsplit('.').next().unwrap_or(path);
    let is_class = name.starts_with(char::is_uppercase);
    let methods = match methods(path) {
        Some(methods) => (methods.iter().map(|method| (*method).to_owned()).collect(), true),
        // A function answers whatever comes; of a class nobody knows.
        None => (Vec::new(), !is_class),
    };
    let is_auth = path.starts_with("django.contrib.auth.views.");
    let required = is_auth && name.starts_with("PasswordChange");
    Known {
        methods,
        state: required.then_some(AuthState::Required),
        is_exempt: is_auth && (name == "LoginView" || name.starts_with("PasswordReset")),
    }
}

/// The methods of a class of Django; `None` for what is none.
pub(super) fn methods(path: &str) -> Option<&'static [&'static str]> {
    let name = path.rsplit('.').next().unwrap_or(path);
    Some(match name {
        "View" => &[],
        "TemplateView"
        | "ListView"
        | "DetailView"
        | "JavaScriptCatalog"
        | "JSONCatalog"
        | "PasswordResetDoneView"
        | "PasswordResetCompleteView"
        | "PasswordChangeDoneView" => &["GET"],
        name if name.ends_with("ArchiveView") || name == "DateDetailView" => &["GET"],
        "RedirectView" => &["GET", "POST", "PUT", "PATCH", "DELETE"],
        "FormView"
        | "CreateView"
        | "UpdateView"
        | "LoginView"
        | "PasswordChangeView"
        | "PasswordResetView"
        | "PasswordResetConfirmView" => &["GET", "POST", "PUT"],
        "ProcessFormView" | "BaseFormView" | "BaseCreateView" | "BaseUpdateView" => {
            &["GET", "POST", "PUT"]
        }
        "DeleteView" | "BaseDeleteView" => &["GET", "POST", "DELETE"],
        "DeletionMixin" => &["POST", "DELETE"],
        "BaseListView" | "BaseDetailView" => &["GET"],
        "LogoutView" => &["POST"],
        "ListAPIView" | "RetrieveAPIView" => &["GET"],
        "CreateAPIView" => &["POST"],
        "UpdateAPIView" => &["PUT", "PATCH"],
        "DestroyAPIView" => &["DELETE"],
        "ListCreateAPIView" => &["GET", "POST"],
        "RetrieveUpdateAPIView" => &["GET", "PUT", "PATCH"],
        "RetrieveDestroyAPIView" => &["GET", "DELETE"],
        "RetrieveUpdateDestroyAPIView" => &["GET", "PUT", "PATCH", "DELETE"],
        "obtain_auth_token"
        | "ObtainAuthToken"
        | "TokenObtainPairView"
        | "TokenRefreshView"
        | "TokenVerifyView"
        | "TokenBlacklistView"
        | "TokenObtainSlidingView"
        | "TokenRefreshSlidingView" => &["POST"],
        "SpectacularAPIView"
        | "SpectacularSwaggerView"
        | "SpectacularRedocView"
        | "SpectacularJSONAPIView"
        | "SpectacularYAMLAPIView" => &["GET"],
        _ => return None,
    })
}

/// Whether a class answers requests by itself, so that what stands behind it among the bases of
/// another is never asked.
pub(super) fn is_view(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    methods(path).is_some() && !name.ends_with("Mixin")
        || name.ends_with("View")
        || name.ends_with("ViewSet")
}

/// What a class that is mixed into views asks of callers.
pub(super) fn mixin(path: &str) -> Option<AuthState> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let asks = ["Login", "Permission", "Permissions", "Staff", "Superuser", "Group"];
    name.strip_suffix("RequiredMixin")
        .is_some_and(|who| asks.iter().any(|word| who.ends_with(word)))
        .then_some(AuthState::Required)
}

/// The actions that a class of REST framework brings to a view set.
pub(super) fn actions(path: &str) -> &'static [&'static str] {
    match path.rsplit('.').next().unwrap_or(path) {
        "ModelViewSet" => &["list", "create", "retrieve", "update", "partial_update", "destroy"],
        "ReadOnlyModelViewSet" => &["list", "retrieve"],
        "ListModelMixin" => &["list"],
        "CreateModelMixin" => &["create"],
        "RetrieveModelMixin" => &["retrieve"],
        "UpdateModelMixin" => &["update", "partial_update"],
        "DestroyModelMixin" => &["destroy"],
        _ => &[],
    }
}

/// Whether a generic view of REST framework is about one stored thing.
pub(super) fn is_about_one(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    path.starts_with("rest_framework.")
        && ["Retrieve", "Update", "Destroy"].iter().any(|start| name.starts_with(start))
}
