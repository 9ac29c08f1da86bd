//! Who acts, and what he may do.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::OrgPath;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A member of staff.
    User,
    /// A partner system (OAuth2 client credentials or API key).
    Client,
    /// The customer himself, through a public page or a reply.
    Customer,
    /// The suite: a timer, a rule, a reaction to an event.
    System,
}

macro_rules! permissions {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// One right. The text is what tokens (`scope`) and OpenAPI documents carry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($variant),+ }

        impl Permission {
            pub const ALL: &'static [Permission] = &[$(Permission::$variant),+];
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Permission::$variant => $text),+ }
            }
        }
    };
}

permissions! {
    CustomerRead = "customer:read",
    CustomerWrite = "customer:write",
    CustomerAdmin = "customer:admin",
    CustomerErase = "customer:erase",
    CustomerContact = "customer:contact",
    CustomerSteward = "customer:steward",
    PiiRead = "pii:read",
    TicketRead = "ticket:read",
    TicketCreate = "ticket:create",
    TicketWrite = "ticket:write",
    TicketAssign = "ticket:assign",
    TicketLower = "ticket:lower",
    TicketAdmin = "ticket:admin",
    TicketImport = "ticket:import",
    QualityRead = "quality:read",
    QualityEvaluate = "quality:evaluate",
    QualityAppeal = "quality:appeal",
    QualityDecide = "quality:decide",
    QualityRectify = "quality:rectify",
    QualityAdmin = "quality:admin",
    ReportRead = "report:read",
    ReportPublish = "report:publish",
    SurveyRead = "survey:read",
    SurveyInvite = "survey:invite",
    SurveyAdmin = "survey:admin",
    NotificationRead = "notification:read",
    NotificationAdmin = "notification:admin",
    WebhookManage = "webhook:manage",
    InboxRead = "inbox:read",
    OpsManage = "ops:manage",
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|p| p.as_str() == s).ok_or(())
    }
}

/// A named bundle of rights, carried in the token's `roles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 坐席: takes and works on tickets.
    Agent,
    /// 主管: leads a team of agents; verifies rectifications.
    Supervisor,
    /// 部门负责人 and 总监: reads everything of the subtree, decides appeals.
    Director,
    /// 质检员: scores.
    Inspector,
    /// 客户资料管理员: keeps customer master data, may see unmasked personal data.
    Steward,
    /// 系统管理员: configures everything of his org.
    Admin,
    /// 运维: looks after the running system; no business data.
    Operator,
}

impl Role {
    pub const ALL: &'static [Role] = &[
        Role::Agent,
        Role::Supervisor,
        Role::Director,
        Role::Inspector,
        Role::Steward,
        Role::Admin,
        Role::Operator,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Supervisor => "supervisor",
            Role::Director => "director",
            Role::Inspector => "inspector",
            Role::Steward => "steward",
            Role::Admin => "admin",
            Role::Operator => "operator",
        }
    }

    #[must_use]
    pub fn permissions(self) -> Vec<Permission> {
        use Permission as P;
        let agent = [
            P::CustomerRead,
            P::CustomerWrite,
            P::CustomerContact,
            P::CustomerSteward,
            P::TicketRead,
            P::TicketCreate,
            P::TicketWrite,
            P::QualityRead,
            P::QualityAppeal,
            P::QualityRectify,
            P::SurveyRead,
            P::SurveyInvite,
            P::InboxRead,
        ];
        let mut all = match self {
            Role::Agent => agent.to_vec(),
            Role::Supervisor => {
                let leads = [
                    P::TicketAssign,
                    P::TicketLower,
                    P::ReportRead,
                    P::ReportPublish,
                    P::NotificationRead,
                ];
                [&agent[..], &leads].concat()
            }
            Role::Director => [
                &agent[..],
                &[
                    P::TicketAssign,
                    P::TicketLower,
                    P::QualityDecide,
                    P::ReportRead,
                    P::ReportPublish,
                    P::NotificationRead,
                ],
            ]
            .concat(),
            Role::Inspector => vec![
                P::TicketRead,
                P::CustomerRead,
                P::SurveyRead,
                P::QualityRead,
                P::QualityEvaluate,
                P::ReportRead,
                P::InboxRead,
            ],
            Role::Steward => vec![
                P::CustomerRead,
                P::CustomerWrite,
                P::CustomerAdmin,
                P::CustomerErase,
                P::CustomerSteward,
                P::PiiRead,
                P::TicketRead,
                P::InboxRead,
            ],
            Role::Admin => P::ALL.to_vec(),
            Role::Operator => vec![P::OpsManage, P::InboxRead],
        };
        all.sort_unstable();
        all
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|r| r.as_str() == s).ok_or(())
    }
}

/// The authenticated caller of a request, or the suite itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    /// `sub` of the token: user name or client id. Ends up in histories and events.
    pub id: String,
    pub name: String,
    pub org: OrgPath,
    pub roles: BTreeSet<Role>,
    pub permissions: BTreeSet<Permission>,
}

impl Actor {
    /// The suite acting on its own behalf within `org`; holds no rights, for it passes no gate.
    #[must_use]
    pub fn system(org: OrgPath) -> Self {
        Self::without_rights(ActorKind::System, "system", "Kefu", org)
    }

    /// The customer answering through a link that names him.
    #[must_use]
    pub fn customer(org: OrgPath) -> Self {
        Self::without_rights(ActorKind::Customer, "customer", "Customer", org)
    }

    fn without_rights(kind: ActorKind, id: &str, name: &str, org: OrgPath) -> Self {
        let (roles, permissions) = Default::default();
        Self { kind, id: id.into(), name: name.into(), org, roles, permissions }
    }

    #[must_use]
    pub fn can(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether they score the work of others without leading them (盲检): such a person is told by no
    /// service which member of staff worked on a matter, until the score is published.
    #[must_use]
    pub fn inspects_blind(&self) -> bool {
        self.kind == ActorKind::User
            && self.can(Permission::QualityEvaluate)
            && !self.has_role(Role::Supervisor)
            && !self.can(Permission::QualityDecide)
            && !self.can(Permission::QualityAdmin)
    }

    /// The member of staff, unless this actor [inspects blind](Self::inspects_blind) and it is
    /// somebody else.
    #[must_use]
    pub fn may_know(&self, staff: Option<String>) -> Option<String> {
        staff.filter(|who| !self.inspects_blind() || *who == self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_correspond() {
        for p in Permission::ALL {
            assert_eq!(p.as_str().parse(), Ok(*p));
        }
        for r in Role::ALL {
            assert_eq!(r.as_str().parse(), Ok(*r));
        }
        assert!("ticket:fly".parse::<Permission>().is_err());
    }

    #[test]
    fn who_scores_without_leading_learns_no_names_but_their_own() {
        let org = OrgPath::parse("/acme").unwrap();
        let of = |kind, roles: &[Role]| Actor {
            kind,
            id: "ian".into(),
            name: "Ian".into(),
            org: org.clone(),
            roles: roles.iter().copied().collect(),
            permissions: roles.iter().flat_map(|role| role.permissions()).collect(),
        };
        for (roles, blind) in [
            (&[Role::Inspector][..], true),
            (&[Role::Inspector, Role::Agent], true),
            (&[Role::Inspector, Role::Steward], true),
            (&[Role::Inspector, Role::Supervisor], false),
            (&[Role::Inspector, Role::Director], false),
            (&[Role::Admin], false),
            (&[Role::Agent], false),
        ] {
            let actor = of(ActorKind::User, roles);
            assert_eq!(actor.inspects_blind(), blind, "{roles:?}");
            assert_eq!(actor.may_know(Some("amy".into())).is_none(), blind, "{roles:?}");
            assert_eq!(actor.may_know(Some("ian".into())).as_deref(), Some("ian"));
        }
        assert!(!of(ActorKind::Client, &[Role::Inspector]).inspects_blind());
    }

    #[test]
    fn an_operator_reads_no_business_data() {
        assert!(!Role::Operator.permissions().contains(&Permission::TicketRead));
    }
}
