"""Values that must be refused, by a message that names the value. On top of the example minimal.yaml."""

# (--set, words of the message)
REFUSALS = [
    # What the schema sees.
    ("databse.existingSecret=x", ["databse"]),
    ("services.ticketting.replicas=1", ["ticketting"]),
    ("services.customer.replica=1", ["/services/customer", "replica"]),
    ("defaults.replicas=-1", ["/defaults/replicas", "-1"]),
    ("services.survey.replicas=two", ["/services/survey/replicas"]),
    ("defaults.service.port=99999", ["/defaults/service/port"]),
    ("defaults.resources.limits.memory=lots", ["/defaults/resources/limits/memory"]),
    ("image.tag=latest", ["/image/tag"]),
    ("image.pullPolicy=Sometimes", ["/image/pullPolicy"]),
    ("kafka.brokers[0]=kafka", ["/kafka/brokers/0"]),
    ("kafka.securityProtocol=TLS", ["/kafka/securityProtocol"]),
    ("publicUrl=service.example.com", ["/publicUrl"]),
    ("telemetry.sampleRatio=2", ["/telemetry/sampleRatio"]),
    ("metrics.prometheusRule.runbookUrl=wiki", ["/metrics/prometheusRule/runbookUrl"]),
    ("mail.password=secret", ["/mail", "password"]),
    ("database.url=postgres://a:b@c/d", ["/database", "url"]),
    ("networkPolicy.database.to[0].ipBlock.cidr=everywhere", ["/networkPolicy/database/to/0"]),
    # What is missing.
    ("image.registry=", ["image.registry"]),
    ("publicUrl=", ["publicUrl"]),
    ("auth.issuer=", ["auth.issuer"]),
    ("database.existingSecret=", ["database.existingSecret", "services.customer.database.existingSecret"]),
    ("kafka.brokers=null", ["kafka.brokers"]),
    ("pii.existingSecret=", ["pii.existingSecret"]),
    ("mail.host=", ["mail.host"]),
    ("mail.existingSecret=", ["mail.existingSecret"]),
    ("kafka.securityProtocol=SASL_SSL", ["kafka.sasl.mechanism"]),
    ("kafka.securityProtocol=SASL_SSL,kafka.sasl.mechanism=PLAIN", ["kafka.sasl.username"]),
    ("kafka.securityProtocol=SASL_SSL,kafka.sasl.mechanism=PLAIN,kafka.sasl.username=kefu", ["kafka.sasl.existingSecret"]),
    ("gateway.enabled=true", ["gateway.parentRefs"]),
    ("smokeTest.existingSecret=x", ["smokeTest.tokenUrl"]),
    # What does not fit together, and secrets that stand in values.
    ("pii.active=k9", ["pii.active", "k9"]),
    ("services.quality.autoscaling.kind=hpa,services.quality.autoscaling.minReplicas=9", ["services.quality.autoscaling"]),
    ("strimzi.enabled=true,kafka.replication=5", ["kafka.replication"]),
    ("services.customer.settings.database.url=postgres://a:b@c/d", ["settings.database.url"]),
    ("defaults.settings.pii.keys.k1=00", ["settings.pii.keys.k1"]),
    ("services.notification.settings.notification.email.password=x", ["settings.notification.email.password"]),
    ("kafka.properties.sasl\\.password=x", ["sasl.password"]),
    ("services.customer.settings.customer.number_patterns[0].org=/acme", ["settings.customer.number_patterns"]),
]


def faults(helm, chart):
    minimal = chart / "examples/minimal.yaml"
    for value, words in REFUSALS:
        done = helm.template([minimal], sets=[value])
        absent = [word for word in words if word not in done.stderr]
        fault = done.returncode == 0 and "was accepted" or absent and f"does not name {absent}: {done.stderr}"
        yield f"refusal of {value}", fault
