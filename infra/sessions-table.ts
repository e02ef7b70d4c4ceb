import { CfnElement, RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, Billing, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";

/** The only table: one item per license, with its sessions. It outlives the stack. */
export class SessionsTable extends Construct {
  readonly table: TableV2;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.table = new TableV2(this, "Table", {
      partitionKey: { name: "license_id", type: AttributeType.STRING },
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // A fixed logical id. If it depended on the path, moving a construct would replace the table by
    // an empty one.
    const resource = this.table.node.defaultChild;
    if (resource instanceof CfnElement) resource.overrideLogicalId("Sessions");
  }
}
