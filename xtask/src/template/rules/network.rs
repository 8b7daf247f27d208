//! The fixed addresses: absent unless asked for, and narrow when there.

use super::{Findings, Rule};
use crate::template::model::{Template, at, items, pattern, statements, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "network-optional", check: network_optional },
    Rule { name: "egress-https", check: egress_https },
    Rule { name: "endpoints-suffice", check: endpoints_suffice },
    Rule { name: "endpoints-exact", check: endpoints_exact },
];

/// What Lambda's poller does with the function's role, from its own network.
const BY_THE_POLLER: [&str; 2] = ["sqs:ReceiveMessage", "sqs:DeleteMessage"];

fn network_optional(template: &Template, findings: &mut Findings) {
    for (id, resource) in template.resources() {
        if !text(at(resource, &["Type"])).starts_with("AWS::EC2::") {
            continue;
        }
        findings.expect(
            matches!(text(at(resource, &["Condition"])), "HasFixedEgress" | "HasPrivateEndpoints"),
            id,
            "expected `Condition: HasFixedEgress`: who needs no fixed address shall not pay for a network",
        );
    }
    for parameter in ["FixedEgress", "FixedDoor", "PrivateEndpoints"] {
        findings.expect(
            text(at(&template.0, &["Parameters", parameter, "Default"])) == "false",
            format!("Parameters.{parameter}"),
            "expected `Default: \"false\"`",
        );
    }
}

fn egress_https(template: &Template, findings: &mut Findings) {
    for (id, group) in template.of_type("AWS::EC2::SecurityGroup") {
        for rule in items(at(group, &["SecurityGroupIngress"])) {
            findings.expect(
                at(rule, &["CidrIp"]).is_null() && at(rule, &["CidrIpv6"]).is_null(),
                id,
                "takes connections from addresses: name a security group",
            );
        }
        for rule in items(at(group, &["SecurityGroupEgress"])) {
            findings.expect(
                at(rule, &["FromPort"]).as_u64() == Some(443) && at(rule, &["ToPort"]).as_u64() == Some(443),
                id,
                "lets more out than HTTPS",
            );
        }
    }
    for (id, subnet) in template.of_type("AWS::EC2::Subnet") {
        findings.expect(
            at(subnet, &["MapPublicIpOnLaunch"]).as_bool() == Some(false),
            id,
            "expected `MapPublicIpOnLaunch: false`",
        );
    }
}

/// What a function in the network may do, the endpoints between must let through: else it fails there and nowhere before.
fn endpoints_suffice(template: &Template, findings: &mut Findings) {
    let attached = template.functions().into_iter().filter(|it| !at(it.properties, &["VpcConfig"]).is_null());
    for function in attached {
        let role = target(template.of_function(&function, "Role"));
        for statement in template.granted().into_iter().filter(|it| it.owner == role) {
            for action in items(at(statement.value, &["Action"])).into_iter().map(text) {
                let Some((service, _)) = action.split_once(':') else { continue };
                let endpoints = template.of_type("AWS::EC2::VPCEndpoint").filter(|(_, endpoint)| {
                    let names = items(at(endpoint, &["ServiceName"]));
                    names.into_iter().any(|name| pattern(name).rsplit('.').next() == Some(service))
                });
                for (id, endpoint) in endpoints.filter(|_| !BY_THE_POLLER.contains(&action)) {
                    let passes =
                        statements(id, at(endpoint, &["PolicyDocument"])).iter().any(|let_through| {
                            items(at(let_through.value, &["Action"])).into_iter().any(|it| text(it) == action)
                        });
                    findings.expect(
                        passes,
                        id,
                        format!(
                            "stops `{action}`, which `{}` may do by its role ({})",
                            function.id, statement.place
                        ),
                    );
                }
            }
        }
    }
}

/// And no more than that.
fn endpoints_exact(template: &Template, findings: &mut Findings) {
    let functions = template.functions();
    let attached = functions.iter().filter(|it| !at(it.properties, &["VpcConfig"]).is_null());
    let roles: Vec<&str> = attached.map(|it| target(template.of_function(it, "Role"))).collect();
    let granted = template.granted();
    let carried = |owner: &str| {
        let managed =
            roles.iter().flat_map(|role| items(at(template.properties(role), &["ManagedPolicyArns"])));
        roles.contains(&owner) || managed.into_iter().any(|policy| target(policy) == owner)
    };
    let allowed: Vec<&str> = granted
        .iter()
        .filter(|it| carried(it.owner))
        .flat_map(|it| items(at(it.value, &["Action"])))
        .map(text)
        .collect();
    for (id, endpoint) in template.of_type("AWS::EC2::VPCEndpoint") {
        for statement in statements(id, at(endpoint, &["PolicyDocument"])) {
            for action in items(at(statement.value, &["Action"])).into_iter().map(text) {
                findings.expect(
                    allowed.contains(&action),
                    &statement.place,
                    format!("lets `{action}` through, which no function in the network may do"),
                );
            }
        }
    }
}
