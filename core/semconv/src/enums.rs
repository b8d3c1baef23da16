//! Value sets that differ between the schemas, both ways.

/// `host.architecture` spellings and their `host.arch`; the first spelling is the one on the way back.
const ARCHITECTURES: [(&str, &[&str]); 8] = [
    ("amd64", &["x86_64", "x64", "amd64"]),
    ("arm64", &["aarch64", "arm64", "arm64e"]),
    ("x86", &["i386", "i486", "i586", "i686", "x86"]),
    ("arm32", &["arm", "armv6l", "armv7l", "armhf"]),
    ("ppc64", &["ppc64", "ppc64le"]),
    ("ppc32", &["ppc", "powerpc"]),
    ("ia64", &["ia64"]),
    ("s390x", &["s390x"]),
];

/// By cloud provider: `cloud.service.name` spellings and their `cloud.platform`.
type Platforms = &'static [(&'static str, &'static [&'static str])];

const PLATFORMS: [(&str, Platforms); 3] = [
    (
        "aws",
        &[
            ("aws_ec2", &["ec2"]),
            ("aws_ecs", &["ecs", "fargate"]),
            ("aws_eks", &["eks"]),
            ("aws_lambda", &["lambda"]),
            ("aws_elastic_beanstalk", &["elastic beanstalk"]),
            ("aws_app_runner", &["app runner"]),
        ],
    ),
    (
        "azure",
        &[
            ("azure.vm", &["vm", "virtual machines"]),
            ("azure.aks", &["aks"]),
            ("azure.functions", &["functions"]),
            ("azure.app_service", &["app service"]),
            ("azure.container_apps", &["container apps"]),
            ("azure.container_instances", &["container instances"]),
        ],
    ),
    (
        "gcp",
        &[
            ("gcp_compute_engine", &["gce", "compute engine"]),
            ("gcp_kubernetes_engine", &["gke", "kubernetes engine"]),
            ("gcp_cloud_run", &["cloud run"]),
            ("gcp_cloud_functions", &["cloud functions"]),
            ("gcp_app_engine", &["app engine"]),
        ],
    ),
];

/// `os.type` values that ECS calls `unix`.
const UNIXES: [&str; 7] = [
    "aix",
    "hpux",
    "solaris",
    "freebsd",
    "netbsd",
    "openbsd",
    "dragonflybsd",
];

/// `host.arch` of an architecture, case ignored; `None` for a spelling that stays as it is.
pub(crate) fn architecture(spelling: &str) -> Option<&'static str> {
    let matches = |known: &str| known.eq_ignore_ascii_case(spelling);
    ARCHITECTURES
        .iter()
        .find(|(_, spellings)| spellings.iter().any(|s| matches(s)))
        .map(|(arch, _)| *arch)
}

/// `host.architecture` of a `host.arch`; `None` for one that stays as it is.
pub(crate) fn architecture_back(arch: &str) -> Option<&'static str> {
    ARCHITECTURES
        .iter()
        .find(|(known, _)| *known == arch)?
        .1
        .first()
        .copied()
}

/// `cloud.platform` of a service; case is ignored, `_` and `-` are read as blanks. `None` for unknown pairs.
pub(crate) fn platform(provider: &str, service: &str) -> Option<&'static str> {
    let (_, platforms) = PLATFORMS
        .iter()
        .find(|(known, _)| same_words(known, provider))?;
    let found = platforms
        .iter()
        .find(|(_, names)| names.iter().any(|name| same_words(name, service)))?;
    Some(found.0)
}

/// `cloud.service.name` of a platform, the first spelling; `None` for unknown ones.
pub(crate) fn platform_back(platform: &str) -> Option<&'static str> {
    let mut all = PLATFORMS.iter().flat_map(|(_, platforms)| platforms.iter());
    all.find(|(known, _)| *known == platform)?
        .1
        .first()
        .copied()
}

/// The system that `host.os.platform` names, when ECS calls it `unix`.
pub(crate) fn unix(platform: &str) -> Option<&'static str> {
    UNIXES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(platform))
        .copied()
}

fn same_words(known: &str, given: &str) -> bool {
    let normal = |byte: u8| match byte {
        b'_' | b'-' => b' ',
        byte => byte.to_ascii_lowercase(),
    };
    known.len() == given.len() && known.bytes().eq(given.bytes().map(normal))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The maps are written once more in the table; both must agree.
    #[test]
    fn they_are_those_of_the_table() {
        let csv = include_str!("../data/ecs-to-otel.csv");
        let of = |field: &str| {
            let line = csv.lines().find(|line| line.starts_with(field)).unwrap();
            line.split('"').nth(1).unwrap().to_owned()
        };
        let pairs = |list: &str| -> Vec<(String, String)> {
            let pairs = list.split(", ").filter_map(|pair| pair.split_once("->"));
            let each = pairs
                .flat_map(|(from, to)| from.split('|').map(move |f| (f.to_owned(), to.to_owned())));
            each.collect()
        };
        let arch = of("host.architecture,");
        let arch = arch
            .split(';')
            .next()
            .unwrap()
            .strip_prefix("enum map host.arch: ")
            .unwrap();
        let all = pairs(arch);
        assert_eq!(
            all.len(),
            ARCHITECTURES.iter().map(|(_, s)| s.len()).sum::<usize>()
        );
        for (from, to) in all {
            assert_eq!(architecture(&from), Some(to.as_str()));
            assert_eq!(architecture(&from.to_uppercase()), Some(to.as_str()));
        }
        let cloud = of("cloud.service.name,");
        let cloud = cloud.strip_prefix("enum map cloud.platform: ").unwrap();
        for part in cloud.split("; ").take(3) {
            let (provider, list) = part.split_once(": ").unwrap();
            for (from, to) in pairs(list) {
                assert_eq!(platform(provider, &from), Some(to.as_str()));
                let spelled = from.to_uppercase().replace(' ', "_");
                assert_eq!(
                    platform(&provider.to_uppercase(), &spelled),
                    Some(to.as_str())
                );
                assert_eq!(platform(platform_back(&to).unwrap(), "x"), None);
            }
        }
        let os = of("host.os.type,");
        let unixes = os
            .split("when that is ")
            .nth(1)
            .unwrap()
            .split(" else")
            .next()
            .unwrap();
        assert_eq!(unixes.split('|').collect::<Vec<_>>(), UNIXES);
    }

    #[test]
    fn first_spelling_on_the_way_back() {
        assert_eq!(architecture_back("amd64"), Some("x86_64"));
        assert_eq!(architecture_back("arm64"), Some("aarch64"));
        assert_eq!(architecture_back("riscv64"), None);
        assert_eq!(platform_back("aws_lambda"), Some("lambda"));
        assert_eq!(platform_back("azure.vm"), Some("vm"));
        assert_eq!(platform_back("moon_base"), None);
        assert_eq!(unix("FreeBSD"), Some("freebsd"));
        assert_eq!(unix("linux"), None);
    }
}
