//! Deploys `template.yaml` to ministack: the real programs, as `sam deploy` would bring them.

mod archive;
mod binaries;
mod template;
mod workspace;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use http::Method;

pub use binaries::{Binaries, FUNCTIONS, OPERATOR};
pub use template::Adjustment;

use crate::wire::texts;
use crate::{Endpoint, Wire, WireError, until_async};
use archive::Archive;
use template::Template;
pub use workspace::{compile_settings, workspace};

/// Where code, layers and the template are uploaded.
const CODE_BUCKET: &str = "sluice-deployment";
/// Object lock without a default: every digest says how it is locked.
const OBJECT_LOCK: &str =
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
/// ministack takes seconds; a busy machine several times that.
const CREATED_WITHIN: Duration = Duration::from_mins(2);

/// A stack that stands.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its name.
    pub stack: String,
    /// The template's outputs.
    pub outputs: BTreeMap<String, String>,
    /// Physical ids, by logical id: a queue's is its URL, a function's its name.
    pub resources: BTreeMap<String, String>,
    /// What of the template the emulator was not given.
    pub adjustments: Vec<Adjustment>,
}

/// Why there is no deployment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The programs were not built.
    #[error("the functions can not be built: {0}")]
    Build(String),
    /// The template is not what is expected.
    #[error("template.yaml: {0}")]
    Template(String),
    /// A file can not be read or packed.
    #[error("{what}: {cause}")]
    File {
        /// Which.
        what: String,
        /// The system's words.
        cause: io::Error,
    },
    /// The emulator refused a call.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The stack was not created.
    #[error("the stack is {status}: {reasons}")]
    Stack {
        /// Its state.
        status: String,
        /// What each resource that failed says.
        reasons: String,
    },
}

/// Deploys the template of this workspace as the stack `stack`, with these parameters beside `Architecture` and `Rollout`.
///
/// # Errors
/// [`DeployError`], by cause.
pub async fn deploy(
    endpoint: &Endpoint,
    stack: &str,
    binaries: &Binaries,
    parameters: &[(&str, &str)],
) -> Result<Deployment, DeployError> {
    let wire = Wire::new(endpoint.clone());
    let path = workspace().join("template.yaml");
    let file = |what: &str| {
        let what = what.to_owned();
        move |cause| DeployError::File { what, cause }
    };
    let text = std::fs::read_to_string(&path).map_err(file("template.yaml"))?;
    let mut template = Template::read(&text)?;
    wire.rest("s3", &Method::PUT, &format!("/{CODE_BUCKET}"), &[], "").await?;
    for (id, program) in template.functions()? {
        let mut archive = Archive::default();
        archive.add("bootstrap", &binaries.stripped(&program)?).map_err(file(&program))?;
        let uri = upload(&wire, &format!("{program}.zip"), archive.finish().map_err(file(&program))?).await?;
        template.locate(&id, "CodeUri", uri)?;
    }
    for id in template.layers() {
        let mut archive = Archive::default();
        archive.add_directory(&workspace().join("config"), "").map_err(file("config"))?;
        let uri = upload(&wire, &format!("{id}.zip"), archive.finish().map_err(file("config"))?).await?;
        template.locate(&id, "ContentUri", uri)?;
    }
    // The programs are this machine's; a staged deploy is CodeDeploy's, which ministack does not have.
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    for (name, value) in [("Architecture", architecture), ("Rollout", "AllAtOnce")].iter().chain(parameters) {
        template.choose(name, value)?;
    }
    let mut adjustments = template.adjust();
    upload(&wire, "template.yaml", template.text()?.into_bytes()).await?;
    create(&wire, stack).await?;
    let (outputs, resources) = created(&wire, stack).await?;
    for id in template.locked_buckets() {
        let bucket = resources.get(&id).map_or("", String::as_str);
        wire.rest("s3", &Method::PUT, &format!("/{bucket}?object-lock"), &[], OBJECT_LOCK).await?;
        adjustments.push(Adjustment {
            resource: id,
            what: "object lock switched on afterwards: its CloudFormation forgets that",
        });
    }
    Ok(Deployment { stack: stack.to_owned(), outputs, resources, adjustments })
}

impl Deployment {
    /// The physical id of a resource; empty when the template has none such.
    pub fn resource(&self, id: &str) -> &str {
        self.resources.get(id).map_or("", String::as_str)
    }
}

async fn upload(wire: &Wire, key: &str, bytes: Vec<u8>) -> Result<String, WireError> {
    wire.rest("s3", &Method::PUT, &format!("/{CODE_BUCKET}/{key}"), &[], bytes).await?;
    Ok(format!("s3://{CODE_BUCKET}/{key}"))
}

async fn create(wire: &Wire, stack: &str) -> Result<(), WireError> {
    let mut form = vec![
        ("StackName".to_owned(), stack.to_owned()),
        ("TemplateURL".to_owned(), format!("{}/{CODE_BUCKET}/template.yaml", wire.endpoint().url)),
    ];
    let capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];
    for (number, capability) in (1..).zip(capabilities) {
        form.push((format!("Capabilities.member.{number}"), capability.to_owned()));
    }
    wire.form("cloudformation", "CreateStack", &form).await.map(drop)
}

/// Waits until the stack stands; its outputs and resources.
async fn created(
    wire: &Wire,
    stack: &str,
) -> Result<(BTreeMap<String, String>, BTreeMap<String, String>), DeployError> {
    let name = [("StackName".to_owned(), stack.to_owned())];
    let described = until_async(CREATED_WITHIN, async || {
        let described = wire.form("cloudformation", "DescribeStacks", &name).await;
        match described {
            Ok(xml) if texts(&xml, "StackStatus").iter().any(|status| status.ends_with("_IN_PROGRESS")) => {
                None
            }
            ended => Some(ended),
        }
    });
    let described = described.await.ok_or_else(|| DeployError::Stack {
        status: "still being created".to_owned(),
        reasons: format!("after {} s", CREATED_WITHIN.as_secs()),
    })??;
    let status = texts(&described, "StackStatus").concat();
    if status != "CREATE_COMPLETE" {
        let events = wire.form("cloudformation", "DescribeStackEvents", &name).await?;
        let reasons: Vec<_> = texts(&events, "member")
            .into_iter()
            .filter(|event| texts(event, "ResourceStatus").concat().ends_with("_FAILED"))
            .map(|event| {
                let id = texts(&event, "LogicalResourceId").concat();
                format!("{id}: {}", texts(&event, "ResourceStatusReason").concat())
            })
            .collect();
        return Err(DeployError::Stack { status, reasons: reasons.join("; ") });
    }
    let keys = texts(&described, "OutputKey");
    let outputs = keys.into_iter().zip(texts(&described, "OutputValue")).collect();
    let resources = wire.form("cloudformation", "DescribeStackResources", &name).await?;
    let ids = texts(&resources, "LogicalResourceId");
    let resources = ids.into_iter().zip(texts(&resources, "PhysicalResourceId")).collect();
    Ok((outputs, resources))
}
