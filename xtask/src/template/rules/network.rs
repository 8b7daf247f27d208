//! The fixed addresses: absent unless asked for, and narrow when there.

use super::{Findings, Rule};
use crate::template::model::{Template, at, items, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "network-optional", check: network_optional },
    Rule { name: "egress-https", check: egress_https },
];

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
    for parameter in ["FixedEgress", "PrivateEndpoints"] {
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
