"""Turns the SAM template into the CloudFormation template that AWS would make of it, offline.

`sam validate --lint` looks at the SAM template only: it lets pass a time-out of 1500 s, a misspelt `ReportBatchItemFailures` and a
visibility time-out that is too short. cfn-lint finds all three in the transformed template.
"""

import json
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """The template names no managed policy, so the translator needs no map of them."""

    def load(self):
        return {}


def main(source, target):
    with open(source, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        # The translator wants packaged code; where it lies does not matter to the lint.
        if resource["Type"] == "AWS::Serverless::Function" or resource["Type"] == "AWS::Serverless::LayerVersion":
            key = "ContentUri" if resource["Type"].endswith("LayerVersion") else "CodeUri"
            resource["Properties"][key] = "s3://packages/key"
    with open(target, "w", encoding="utf-8") as file:
        json.dump(transform(template, {}, NoManagedPolicies()), file, indent=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
